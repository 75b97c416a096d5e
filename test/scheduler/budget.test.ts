// Memory estimates: the cache never plans beyond its share, and always holds one conversation.

import { expect, test } from "bun:test";
import { type ModelCost, planCache, predictBytes, scaleKvBytes } from "../../src/scheduler/budget.ts";
import { seededRandom } from "../support/seeded-random.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const small: ModelCost = {
  weightBytes: 100 * MIB,
  kvBytesPerToken: 23_040,
  recurrentBytesPerSequence: 0,
  trainedContext: 8192,
};

test("more memory gives more sequences, up to the limit", () => {
  const sequences = [1, 2, 4, 64].map(
    (gib) => planCache(small, gib * GIB, { numParallel: 0, context: 8192 }).maxSequences,
  );
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  expect(sequences.at(-1)).toBe(64);
});

test("a number of sequences that was asked for is what is planned", () => {
  expect(planCache(small, 4 * GIB, { numParallel: 5, context: 8192 }).maxSequences).toBe(5);
});

test("without memory there is still one small sequence", () => {
  const plan = planCache(small, 0, { numParallel: 0, context: 8192 });
  expect(plan.maxSequences).toBe(1);
  expect(plan.maxContext).toBe(256);
});

test("a context that fits is planned whole, one that does not is cut to what fits", () => {
  expect(planCache(small, 4 * GIB, { numParallel: 0, context: 8192 }).maxContext).toBe(8192);
  const tight = planCache(small, 100 * MIB + 256 * MIB + 100 * MIB, { numParallel: 0, context: 8192 });
  expect(tight.maxContext).toBe(Math.floor((50 * MIB) / 23_040));
});

test.each([
  ["f16", 1600, 1600],
  ["f32", 1600, 3200],
  ["q8_0", 1600, 850],
  ["q4_0", 1600, 450],
  ["unknown", 1600, 1600],
])("a cell type of %s scales %i bytes to %i", (type, bytes, scaled) => {
  expect(scaleKvBytes(bytes, type)).toBe(scaled);
});

test("the prediction counts weights, work space, a first cache and recurrent state", () => {
  const base = predictBytes({ ...small, kvBytesPerToken: 0 });
  expect(base).toBeGreaterThan(small.weightBytes);
  expect(predictBytes(small) - base).toBe(1024 * small.kvBytesPerToken);
  expect(predictBytes({ ...small, recurrentBytesPerSequence: 777 }) - predictBytes(small)).toBe(777);
});

test("for any model and memory: at most half of what is left after the weights, unless that is less than one page", () => {
  const random = seededRandom(3);
  for (let round = 0; round < 20_000; round++) {
    const cost: ModelCost = {
      weightBytes: random.below(8 * GIB),
      kvBytesPerToken: random.below(200_000),
      recurrentBytesPerSequence: random.below(2) * random.below(50 * MIB),
      trainedContext: 1 + random.below(131_072),
    };
    const available = random.below(16) * GIB;
    const plan = planCache(cost, available, { numParallel: 0, context: 1 + random.below(131_072) });
    const page = 256 * Math.max(1, cost.kvBytesPerToken);
    expect(plan.budgetBytes).toBeLessThanOrEqual(Math.max(Math.max(0, available - cost.weightBytes) / 2, page));
    expect(plan.maxSequences).toBeGreaterThanOrEqual(1);
    expect(plan.maxSequences).toBeLessThanOrEqual(64);
    expect(plan.maxContext).toBeGreaterThanOrEqual(256);
    expect(plan.maxContext * cost.kvBytesPerToken).toBeLessThanOrEqual(Math.max(plan.budgetBytes, page));
  }
});
