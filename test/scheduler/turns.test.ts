// Whose turn it is, and who gives way.

import { expect, test } from "bun:test";
import { TurnQueue } from "../../src/scheduler/turn-queue.ts";
import { nextTurn, whoGivesWay } from "../../src/scheduler/turns.ts";

const from = (text: string) => text.split("").map((asker, index) => ({ asker, index }));

/** The order in which all get their turn. */
function order(text: string): string {
  const waiting = from(text);
  const served = new Map<string, number>();
  let result = "";
  for (let turn = nextTurn(waiting, served); turn !== undefined; turn = nextTurn(waiting, served)) {
    waiting.splice(waiting.indexOf(turn), 1);
    served.set(turn.asker, result.length);
    result += turn.asker;
  }
  return result;
}

test.each([
  ["", ""],
  ["aaa", "aaa"],
  ["aaab", "abaa"],
  ["aaaabbc", "abcabaa"],
  ["abab", "abab"],
])("%p is served as %p", (arrived, served) => expect(order(arrived)).toBe(served));

test.each<[string, string, number | undefined]>([
  ["", "a", undefined],
  ["aaa", "a", undefined],
  ["aaab", "c", 2],
  ["aaab", "b", 2],
  ["aab", "b", undefined],
  ["abab", "c", 2],
  ["abc", "d", undefined],
])("in a full queue of %p, for a newcomer of %p, number %p gives way", (waiting, newcomer, index) => {
  expect(whoGivesWay(from(waiting), newcomer)?.index).toBe(index);
});

test("waiting ends with a turn, with the runner, with the client or with the server", async () => {
  const queue = new TurnQueue();
  const abort = new AbortController();
  const gone = queue.wait("a", abort.signal);
  const served = queue.wait("b", new AbortController().signal);
  abort.abort();
  expect(gone).rejects.toMatchObject({ fault: "canceled" });
  expect(queue.length).toBe(1);
  queue.next()?.resolve(true);
  expect(await served).toBe(true);
  const again = queue.wait("c", new AbortController().signal);
  queue.dissolve();
  expect(await again).toBe(false);
  expect(queue.wait("d", abort.signal)).rejects.toMatchObject({ fault: "canceled" });
  expect(queue.next()).toBeUndefined();
});
