// The thread governor on simulated machines: it finds the best count, notices when the machine changes, and does not
// lose much by looking.

import { expect, test } from "bun:test";
import { plausibleCounts, ThreadGovernor } from "../../src/runner/engine/thread-governor.ts";
import { seededRandom } from "../support/seeded-random.ts";

type Cost = (threads: number, tokens: number) => number;

/** Runs steps of one token for so many simulated milliseconds; the mean cost of a step at the end and overall. */
function simulate(
  governor: ThreadGovernor,
  cost: Cost,
  lengthMs: number,
  fromMs = 0,
): { nowMs: number; steps: number; settled: number } {
  let nowMs = fromMs;
  let steps = 0;
  while (nowMs < fromMs + lengthMs) {
    const { threads } = governor;
    const ms = cost(threads, 1);
    nowMs += ms;
    steps++;
    governor.record({ threads, tokens: 1, ms, nowMs });
  }
  return { nowMs, steps, settled: governor.settled };
}

const free: Cost = (threads) => 10 + 40 / threads;
/** Another program holds one of four processors: full teams spin at the barrier. */
const crowded: Cost = (threads) => (threads >= 4 ? 500 : 10 + 40 / threads);

test.each([
  [8, [8, 4]],
  [4, [4, 2, 1]],
  [2, [2, 1]],
  [1, [1]],
  [3, [3, 2, 1]],
])("of %i threads %j are tried", (most, counts) => expect(plausibleCounts(most)).toEqual(counts));

test("on a free machine all threads stay in use, and looking costs little", () => {
  const governor = new ThreadGovernor(plausibleCounts(4), 4);
  const { settled, steps } = simulate(governor, free, 60_000);
  expect(settled).toBe(4);
  expect(steps).toBeGreaterThan((60_000 / free(4, 1)) * 0.9);
});

test("on a crowded machine it gives way at once, and comes back when the machine is free again", () => {
  const governor = new ThreadGovernor(plausibleCounts(4), 4);
  const busy = simulate(governor, crowded, 10_000);
  expect(busy.settled).toBe(2);
  expect(busy.steps).toBeGreaterThan((10_000 / crowded(2, 1)) * 0.6);
  const after = simulate(governor, free, 130_000, busy.nowMs);
  expect(after.settled).toBe(4);
});

test("a remembered count is used from the first step, and others are looked at later only", () => {
  const governor = new ThreadGovernor(plausibleCounts(4), 2, true);
  expect(governor.threads).toBe(2);
  const first = simulate(governor, crowded, 1_900);
  expect(first.steps).toBe(Math.ceil(1_900 / crowded(2, 1)));
  expect(governor.hasLooked).toBe(false);
  // It was right then; now the machine is free.
  expect(simulate(governor, free, 130_000, first.nowMs).settled).toBe(4);
  expect(governor.hasLooked).toBe(true);
});

test("a machine that becomes crowded in the middle is noticed within seconds", () => {
  const governor = new ThreadGovernor(plausibleCounts(4), 4);
  const before = simulate(governor, free, 20_000);
  expect(simulate(governor, crowded, 5_000, before.nowMs).settled).toBe(2);
});

test("noise does not make it wander", () => {
  const random = seededRandom(23);
  const noisy: Cost = (threads) => free(threads, 1) * (0.9 + random.next() * 0.2);
  const governor = new ThreadGovernor(plausibleCounts(4), 4);
  const { steps } = simulate(governor, noisy, 120_000);
  expect(steps).toBeGreaterThan((120_000 / free(4, 1)) * 0.85);
  expect(governor.settled).toBe(4);
});

test("a count that was asked for is never left", () => {
  const governor = new ThreadGovernor([3], 3);
  for (let i = 0; i < 100; i++) {
    governor.record({ threads: 3, tokens: 1, ms: i === 50 ? 5000 : 10, nowMs: i * 1000 });
    expect(governor.threads).toBe(3);
  }
});

test("without a count there is nothing to govern", () => {
  expect(() => new ThreadGovernor([], 1)).toThrow(RangeError);
});
