// Speculation by look-up: what is proposed, and when proposing stops.

import { expect, test } from "bun:test";
import { DraftPacing, LARGEST_DRAFT, lookUpDraft } from "../../src/runner/engine/lookup-draft.ts";
import { seededRandom } from "../support/seeded-random.ts";

test("what followed the same words before is proposed again", () => {
  expect(lookUpDraft([0, 1, 2, 3, 4, 5, 9, 0, 1, 2], 3).tokens).toEqual([3, 4, 5]);
  expect(lookUpDraft([0, 1, 2, 3, 4, 5, 9, 0, 1, 2], 1).tokens).toEqual([3]);
});

test("the longest match decides, and among equals the latest", () => {
  expect(lookUpDraft([7, 1, 2, 3, 50, 8, 1, 2, 3, 60, 7, 1, 2, 3], 1).tokens).toEqual([50]);
  expect(lookUpDraft([0, 1, 2, 50, 0, 1, 2, 60, 0, 1, 2], 1).tokens).toEqual([60]);
});

test("two words in common are no reason, and a short text has none", () => {
  expect(lookUpDraft([5, 1, 2, 6, 1, 2], 4).tokens).toEqual([]);
  for (const tokens of [[], [1], [1, 1]]) expect(lookUpDraft(tokens, 4).tokens).toEqual([]);
});

test("any proposal occurs in the text behind the text's own end", () => {
  const random = seededRandom(19);
  for (let round = 0; round < 5_000; round++) {
    const tokens = Array.from({ length: random.below(60) }, () => random.below(4));
    const most = 1 + random.below(16);
    const { tokens: draft, matched } = lookUpDraft(tokens, most);
    expect(draft.length).toBeLessThanOrEqual(most);
    if (draft.length === 0) continue;
    expect(matched).toBeGreaterThanOrEqual(3);
    const needle = [...tokens.slice(-matched), ...draft].join(",");
    expect(`,${tokens.join(",")},`).toContain(`,${needle},`);
  }
});

test("how much is the same is told, up to sixteen tokens", () => {
  const phrase = Array.from({ length: 30 }, (_, i) => 200 + i);
  for (const shared of [3, 6, 15, 16, 25]) {
    const tokens = [1, ...phrase, 2, ...phrase.slice(0, shared)];
    expect(lookUpDraft(tokens, 2)).toEqual({
      tokens: [...phrase, 2].slice(shared, shared + 2),
      matched: Math.min(shared, 16),
    });
  }
});

test("looking back is bounded", () => {
  const tokens = [1, 2, 3, 4, ...Array.from({ length: 5000 }, (_, i) => 100 + i), 1, 2, 3];
  expect(lookUpDraft(tokens, 4).tokens).toEqual([]);
});

/** Steps until a draft comes, at most `limit`. */
function restOf(pacing: DraftPacing, limit = 10_000): number {
  for (let steps = 0; steps < limit; steps++) if (pacing.next(10, 1) > 0) return steps;
  return limit;
}

test("drafts grow while they are accepted, up to the largest", () => {
  const pacing = new DraftPacing(0.35, 3);
  const sizes = Array.from({ length: 6 }, () => {
    const size = pacing.next(10, 1);
    pacing.record(size, size);
    return size;
  });
  expect(sizes).toEqual([3, 6, 12, LARGEST_DRAFT, LARGEST_DRAFT, LARGEST_DRAFT]);
});

test("drafts that are refused end in rests that grow longer, up to a limit", () => {
  const pacing = new DraftPacing(0.35, 3);
  const rests: number[] = [];
  for (let round = 0; round < 40 && rests.length < 8; round++) {
    const rest = restOf(pacing);
    if (rest > 0) rests.push(rest);
    pacing.record(3, 0);
  }
  expect(rests.length).toBe(8);
  expect(rests).toEqual([...rests].sort((a, b) => a - b));
  expect(rests.at(-1)).toBeLessThanOrEqual(512);
});

test("where a text is copied more is tried at once, and at a price where a chance likeness would not be", () => {
  const copying = new DraftPacing(0.85, 8);
  expect(copying.next(10, 5)).toBe(8);
  copying.record(8, 8);
  expect(copying.next(10, 5)).toBe(LARGEST_DRAFT);
  expect(new DraftPacing(0.35, 3).next(10, 5)).toBe(0);
});

test("nothing is drafted where verifying a token costs as much as a step", () => {
  const pacing = new DraftPacing(0.35, 3);
  expect(pacing.next(1, 5)).toBe(0);
  // A price is no failure: as soon as it falls, guessing goes on.
  expect(restOf(pacing)).toBe(0);
});
