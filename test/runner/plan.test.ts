// The size of the KV cache: what the demand needs, within the limits, and growing only when it helps.

import { expect, test } from "bun:test";
import { growPlan, planFor, type PlanLimits, restPlan } from "../../src/runner/engine/plan.ts";
import { seededRandom } from "../support/seeded-random.ts";

const limits: PlanLimits = { maxSequences: 8, maxContext: 8192, budgetBytes: 32_768 * 10, bytesPerToken: 10 };

test.each([
  [
    { sequences: 1, tokens: 10 },
    { sequences: 1, contextPerSequence: 256 },
  ],
  [
    { sequences: 3, tokens: 1025 },
    { sequences: 4, contextPerSequence: 2048 },
  ],
  [
    { sequences: 100, tokens: 1000 },
    { sequences: 8, contextPerSequence: 1024 },
  ],
  [
    { sequences: 1, tokens: 100_000 },
    { sequences: 1, contextPerSequence: 8192 },
  ],
  [
    { sequences: 8, tokens: 8000 },
    { sequences: 4, contextPerSequence: 8192 },
  ],
])("a demand of %j is served by %j", (demand, plan) => {
  expect(planFor(demand, limits)).toEqual(plan);
});

test("what is enough does not grow, and what cannot be bettered does not move", () => {
  const current = { sequences: 4, contextPerSequence: 2048 };
  expect(growPlan(current, { sequences: 4, tokens: 2048 }, 0, limits)).toBeUndefined();
  expect(growPlan({ sequences: 8, contextPerSequence: 1024 }, { sequences: 20, tokens: 5 }, 0, limits)).toBeUndefined();
  expect(growPlan(current, { sequences: 1, tokens: 3000 }, 1, limits)).toEqual({
    sequences: 4,
    contextPerSequence: 4096,
  });
});

test("what is idle gives way where a long or a wide cache would otherwise be made for all", () => {
  const large: PlanLimits = { maxSequences: 64, maxContext: 8192, bytesPerToken: 23_040, budgetBytes: 11 * 2 ** 30 };
  const wide = { sequences: 64, contextPerSequence: 1024 };
  expect(growPlan(wide, { sequences: 5, tokens: 5000 }, 4, large)).toEqual({ sequences: 8, contextPerSequence: 8192 });
  const long = { sequences: 1, contextPerSequence: 8192 };
  expect(growPlan(long, { sequences: 40, tokens: 300 }, 0, large)).toEqual({ sequences: 64, contextPerSequence: 512 });
  // Cheap enough to keep all.
  expect(growPlan({ sequences: 4, contextPerSequence: 512 }, { sequences: 1, tokens: 3000 }, 0, large)).toEqual({
    sequences: 4,
    contextPerSequence: 4096,
  });
});

test("a longer context is not bought with the place of a running request", () => {
  expect(
    growPlan({ sequences: 8, contextPerSequence: 1024 }, { sequences: 8, tokens: 8000 }, 5, limits),
  ).toBeUndefined();
  expect(growPlan({ sequences: 8, contextPerSequence: 1024 }, { sequences: 8, tokens: 8000 }, 4, limits)).toEqual({
    sequences: 4,
    contextPerSequence: 8192,
  });
});

test("after a rest there is room for the conversation used last, where that gives much back", () => {
  const large: PlanLimits = { ...limits, bytesPerToken: 23_000, budgetBytes: 2 ** 33 };
  const current = { sequences: 64, contextPerSequence: 2048 };
  expect(restPlan(current, 0, large)).toEqual({ sequences: 1, contextPerSequence: 512 });
  expect(restPlan(current, 512, large)).toEqual({ sequences: 1, contextPerSequence: 1024 });
  expect(restPlan({ sequences: 1, contextPerSequence: 8192 }, 5000, large)).toBeUndefined();
  expect(restPlan({ sequences: 4, contextPerSequence: 1024 }, 10, large)).toBeUndefined();
});

test("for any demand and limits the plan keeps to memory, counts and the longest context", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 20_000; round++) {
    const own: PlanLimits = {
      maxSequences: 1 + random.below(64),
      maxContext: 256 + random.below(100_000),
      budgetBytes: random.below(2 ** 31),
      bytesPerToken: random.below(200_000),
    };
    const demand = { sequences: random.below(100), tokens: random.below(200_000) };
    const plan = planFor(demand, own);
    expect(plan.sequences).toBeGreaterThanOrEqual(1);
    expect(plan.sequences).toBeLessThanOrEqual(own.maxSequences);
    expect(plan.contextPerSequence).toBeLessThanOrEqual(own.maxContext);
    expect(plan.contextPerSequence).toBeGreaterThanOrEqual(Math.min(demand.tokens, own.maxContext));
    if (plan.sequences > 1) {
      expect(plan.sequences * plan.contextPerSequence * own.bytesPerToken).toBeLessThanOrEqual(own.budgetBytes);
    }
    const more = { sequences: random.below(100), tokens: random.below(200_000) };
    const busy = random.below(plan.sequences + 1);
    const grown = growPlan(plan, more, busy, own);
    if (grown !== undefined) {
      expect(grown.contextPerSequence > plan.contextPerSequence || grown.sequences > plan.sequences).toBe(true);
      expect(grown.contextPerSequence).toBeGreaterThanOrEqual(Math.min(more.tokens, own.maxContext));
      expect(grown.sequences).toBeGreaterThanOrEqual(busy);
    }
  }
});
