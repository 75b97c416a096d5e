// The queue between a producer that never waits and one reader.

import { expect, test } from "bun:test";
import { AsyncQueue } from "../../src/base/queue.ts";

async function drain<T>(queue: AsyncQueue<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = [];
  try {
    for await (const item of queue) items.push(item);
    return { items, error: undefined };
  } catch (error) {
    return { items, error };
  }
}

test("items come in order, whether pushed before or while reading", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  const read = drain(queue);
  queue.push(2);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  expect(await read).toEqual({ items: [1, 2, 3], error: undefined });
});

test("values that are false are items too", async () => {
  const queue = new AsyncQueue<number | string | boolean | null>();
  for (const item of [0, "", false, null]) queue.push(item);
  queue.end();
  expect((await drain(queue)).items).toEqual([0, "", false, null]);
});

test("a failure comes after what was pushed before it", async () => {
  const queue = new AsyncQueue<number>();
  const error = new Error("gone");
  queue.push(1);
  queue.fail(error);
  queue.push(2);
  expect(await drain(queue)).toEqual({ items: [1], error });
});

test("the end is final: later failures and items are dropped", async () => {
  const queue = new AsyncQueue<number>();
  queue.end();
  queue.fail(new Error("late"));
  queue.push(1);
  expect(await drain(queue)).toEqual({ items: [], error: undefined });
});

test("a reader that waits is woken by the end and by a failure", async () => {
  for (const finish of [(q: AsyncQueue<number>) => q.end(), (q: AsyncQueue<number>) => q.fail("why")]) {
    const queue = new AsyncQueue<number>();
    const read = drain(queue);
    await new Promise((resolve) => setImmediate(resolve));
    finish(queue);
    expect((await read).items).toEqual([]);
  }
});

test("a writer can merge into the newest unread item", async () => {
  const queue = new AsyncQueue<string>();
  queue.replaceLast("nothing to replace");
  expect(queue.last).toBeUndefined();
  queue.push("a");
  queue.push("b");
  queue.replaceLast(`${queue.last}c`);
  queue.end();
  expect((await drain(queue)).items).toEqual(["a", "bc"]);
});
