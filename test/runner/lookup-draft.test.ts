// Speculation by look-up: what is proposed, and when proposing stops.

import { expect, test } from "bun:test";
import { DraftPacing, LARGEST_DRAFT, lookUpDraft } from "../../src/runner/engine/lookup-draft.ts";
import { seededRandom } from "../support/seeded-random.ts";

test("what followed the same words before is proposed again", () => {
  expect(lookUpDraft([0, 1, 2, 3, 4, 5, 9, 0, 1, 2], 3)).toEqual([3, 4, 5]);
  expect(lookUpDraft([0, 1, 2, 3, 4, 5, 9, 0, 1, 2], 1)).toEqual([3]);
});

test("the longest match decides, and among equals the latest", () => {
  expect(lookUpDraft([7, 1, 2, 3, 50, 8, 1, 2, 3, 60, 7, 1, 2, 3], 1)).toEqual([50]);
  expect(lookUpDraft([0, 1, 2, 50, 0, 1, 2, 60, 0, 1, 2], 1)).toEqual([60]);
});

test("two words in common are no reason, and a short text has none", () => {
  expect(lookUpDraft([5, 1, 2, 6, 1, 2], 4)).toEqual([]);
  for (const tokens of [[], [1], [1, 1]]) expect(lookUpDraft(tokens, 4)).toEqual([]);
});

test("any proposal occurs in the text behind the text's own end", () => {
  const random = seededRandom(19);
  for (let round = 0; round < 5_000; round++) {
    const tokens = Array.from({ length: random.below(60) }, () => random.below(4));
    const most = 1 + random.below(16);
    const draft = lookUpDraft(tokens, most);
    expect(draft.length).toBeLessThanOrEqual(most);
    if (draft.length === 0) continue;
    const needle = [...tokens.slice(-3), ...draft].join(",");
    expect(`,${tokens.join(",")},`).toContain(`,${needle},`);
  }
});

test("looking back is bounded", () => {
  const tokens = [1, 2, 3, 4, ...Array.from({ length: 5000 }, (_, i) => 100 + i), 1, 2, 3];
  expect(lookUpDraft(tokens, 4)).toEqual([]);
});

/** Steps until a draft comes, at most `limit`. */
function restOf(pacing: DraftPacing, limit = 10_000): number {
  for (let steps = 0; steps < limit; steps++) if (pacing.next(10, 1) > 0) return steps;
  return limit;
}

test("drafts grow while they are accepted, up to the largest", () => {
  const pacing = new DraftPacing();
  const sizes = Array.from({ length: 6 }, () => {
    const size = pacing.next(10, 1);
    pacing.record(size, size);
    return size;
  });
  expect(sizes).toEqual([3, 6, 12, LARGEST_DRAFT, LARGEST_DRAFT, LARGEST_DRAFT]);
});

test("drafts that are refused end in rests that grow longer, up to a limit", () => {
  const pacing = new DraftPacing();
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

test("nothing is drafted where verifying a token costs as much as a step", () => {
  const pacing = new DraftPacing();
  expect(pacing.next(1, 5)).toBe(0);
  expect(restOf(pacing)).toBeGreaterThan(0);
});
