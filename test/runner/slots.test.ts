// Which sequence serves a prompt: reuse rules for each kind of memory, copies, and waiting for a shared beginning.

import { describe, expect, test } from "bun:test";
import {
  chooseSlot,
  commonPrefix,
  type ReuseRules,
  reusable,
  shouldWaitForPrefix,
  type SlotView,
} from "../../src/runner/engine/slots.ts";
import { seededRandom } from "../support/seeded-random.ts";

const CUT: ReuseRules = { reuse: "cut", canCopy: true, slidingWindow: 0 };
const APPEND: ReuseRules = { reuse: "append", canCopy: false, slidingWindow: 0 };
const NONE: ReuseRules = { reuse: "none", canCopy: false, slidingWindow: 0 };
const range = (length: number, from = 0): number[] => Array.from({ length }, (_, i) => from + i);
const slot = (sequence: number, tokens: number[], more: Partial<SlotView> = {}): SlotView => ({
  sequence,
  tokens,
  busy: false,
  lastUsed: 0,
  firstPosition: 0,
  ...more,
});

describe("what a sequence saves", () => {
  test("is the common beginning, but never the whole prompt: its last token gives the first answer", () => {
    expect(reusable(slot(0, range(10)), range(20), CUT)).toBe(10);
    expect(reusable(slot(0, range(20)), range(10), CUT)).toBe(9);
    expect(reusable(slot(0, range(10)), range(10), CUT)).toBe(9);
    expect(reusable(slot(0, [9, ...range(10)]), range(10), CUT)).toBe(0);
  });
  test("is for recurrent memory all of it or nothing", () => {
    expect(reusable(slot(0, range(10)), range(11), APPEND)).toBe(10);
    expect(reusable(slot(0, range(10)), range(10), APPEND)).toBe(0);
    expect(reusable(slot(0, range(10)), [...range(9), 99, 100], APPEND)).toBe(0);
    expect(reusable(slot(0, []), range(5), APPEND)).toBe(0);
  });
  test("is nothing where nothing may be reused", () => {
    expect(reusable(slot(0, range(10)), range(11), NONE)).toBe(0);
  });
  test("is nothing when the sliding window before its end is not there any more", () => {
    const rules = { ...CUT, slidingWindow: 8 };
    expect(reusable(slot(0, range(100), { firstPosition: 40 }), range(60), rules)).toBe(59);
    expect(reusable(slot(0, range(100), { firstPosition: 52 }), range(60), rules)).toBe(0);
    expect(reusable(slot(0, range(100), { firstPosition: 1 }), range(60), CUT)).toBe(0);
  });
});

describe("the choice", () => {
  test("is the sequence that saves most", () => {
    expect(chooseSlot([slot(0, range(5)), slot(1, range(50)), slot(2, [])], range(60), CUT)).toEqual({
      sequence: 1,
      reuse: 50,
      copyFrom: undefined,
    });
  });
  test("spares a long conversation when nothing is saved by taking it", () => {
    expect(chooseSlot([slot(0, range(500, 9000)), slot(1, [])], range(60), CUT)?.sequence).toBe(1);
  });
  test("among equals is the least recently used", () => {
    expect(chooseSlot([slot(0, [], { lastUsed: 5 }), slot(1, [], { lastUsed: 2 })], range(60), CUT)?.sequence).toBe(1);
  });
  test("copies a busy sequence's beginning when that saves enough", () => {
    const slots = [slot(0, range(100), { busy: true }), slot(1, [])];
    expect(chooseSlot(slots, range(120), CUT)).toEqual({ sequence: 1, reuse: 100, copyFrom: 0 });
    expect(chooseSlot([slot(0, range(20), { busy: true }), slot(1, [])], range(120), CUT)?.copyFrom).toBeUndefined();
    expect(chooseSlot(slots, range(120), APPEND)?.copyFrom).toBeUndefined();
  });
  test("is none when all are busy", () => {
    expect(chooseSlot([slot(0, range(9), { busy: true })], range(9), CUT)).toBeUndefined();
    expect(chooseSlot([], range(9), CUT)).toBeUndefined();
  });
});

test("any choice is idle, and what it promises to reuse is really there", () => {
  const random = seededRandom(13);
  const tokens = (): number[] => Array.from({ length: random.below(90) }, (_, i) => (random.below(30) === 0 ? -1 : i));
  for (let round = 0; round < 10_000; round++) {
    const slots = range(1 + random.below(5)).map((i) =>
      slot(i, tokens(), { busy: random.below(3) === 0, lastUsed: random.below(9) }),
    );
    const prompt = [...tokens(), 1];
    const choice = chooseSlot(slots, prompt, CUT);
    expect(choice === undefined).toBe(slots.every(({ busy }) => busy));
    if (choice === undefined) continue;
    expect(slots[choice.sequence]?.busy).toBe(false);
    const source = slots[choice.copyFrom ?? choice.sequence];
    expect(commonPrefix(source?.tokens ?? [], prompt)).toBeGreaterThanOrEqual(choice.reuse);
    expect(choice.reuse).toBeLessThan(prompt.length);
  }
});

describe("waiting for a prompt that is being computed", () => {
  const prompt = [...range(100), 7];
  test("pays when it shares much more than any sequence holds", () => {
    expect(shouldWaitForPrefix([slot(0, [])], [range(100)], prompt, CUT)).toBe(true);
    expect(shouldWaitForPrefix([slot(0, range(90))], [range(100)], prompt, CUT)).toBe(false);
    expect(shouldWaitForPrefix([slot(0, [])], [range(20)], prompt, CUT)).toBe(false);
    expect(shouldWaitForPrefix([slot(0, [])], [], prompt, CUT)).toBe(false);
  });
  test("is useless where beginnings cannot be copied", () => {
    expect(shouldWaitForPrefix([slot(0, [])], [range(100)], prompt, APPEND)).toBe(false);
  });
});
