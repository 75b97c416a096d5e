// What steps cost, and that one slow first try does not stop guessing for ever.

import { expect, test } from "bun:test";
import { StepCosts } from "../../src/runner/engine/step-costs.ts";

const answer = { ms: 10, tokens: 1, answers: 1, promptTokens: 0, drafted: 0 };
const prompt = { ms: 400, tokens: 100, answers: 0, promptTokens: 100, drafted: 0 };
const drafts = (ms: number) => ({ ms, tokens: 9, answers: 1, promptTokens: 0, drafted: 8 });

test("before any was tried, a drafted token is reckoned as a prompt token, at most half a step", () => {
  const costs = new StepCosts();
  costs.record(prompt);
  costs.record(answer);
  expect([costs.stepMs, costs.promptTokenMs, costs.extraTokenMs]).toEqual([10, 4, 4]);
  const slow = new StepCosts();
  slow.record({ ...prompt, ms: 5000 });
  slow.record(answer);
  expect(slow.extraTokenMs).toBe(5);
});

test("measured costs count, and what was measured once fades while nothing is tried", () => {
  const costs = new StepCosts();
  costs.record(prompt);
  costs.record(answer);
  costs.record(drafts(10 + 8 * 20));
  const afterOutlier = costs.extraTokenMs;
  expect(afterOutlier).toBeGreaterThan(8);
  for (let step = 0; step < 100; step++) costs.record(answer);
  expect(costs.extraTokenMs).toBeLessThan(5);
  for (let step = 0; step < 10; step++) costs.record(drafts(10 + 8 * 3));
  expect(costs.extraTokenMs).toBeCloseTo(3, 1);
});
