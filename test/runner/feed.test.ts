// How a batch is shared: answers always flow, a short prompt passes a long one, and a long one always moves on.

import { expect, test } from "bun:test";
import { sharePrompts, sliceFor } from "../../src/runner/engine/feed.ts";
import { seededRandom } from "../support/seeded-random.ts";

const prompt = (id: number, remaining: number, arrival = id) => ({ id, remaining, arrival });
const shares = (...args: Parameters<typeof sharePrompts>) =>
  Object.fromEntries(sharePrompts(...args).map(({ id, tokens }) => [id, tokens]));

test("a prompt alone takes the whole batch", () => {
  expect(shares([prompt(1, 5000)], 0, { batch: 512, slice: 64 })).toEqual({ 1: 512 });
  expect(shares([prompt(1, 5)], 0, { batch: 512, slice: 64 })).toEqual({ 1: 5 });
});

test("beside running answers prompts get a slice", () => {
  expect(shares([prompt(1, 5000)], 3, { batch: 512, slice: 64 })).toEqual({ 1: 64 });
  expect(shares([prompt(1, 5000)], 500, { batch: 512, slice: 64 })).toEqual({ 1: 12 });
  expect(shares([prompt(1, 5000)], 512, { batch: 512, slice: 64 })).toEqual({});
});

test("a short prompt is finished at once beside an older long one, which keeps half", () => {
  expect(shares([prompt(1, 5000), prompt(2, 20)], 0, { batch: 512, slice: 64 })).toEqual({ 1: 492, 2: 20 });
  expect(shares([prompt(1, 5000), prompt(2, 400)], 0, { batch: 512, slice: 64 })).toEqual({ 1: 256, 2: 256 });
});

test("for any prompts the room is kept, used up, and nobody gets more than is left of his prompt", () => {
  const random = seededRandom(17);
  for (let round = 0; round < 20_000; round++) {
    const prompts = Array.from({ length: random.below(6) }, (_, i) =>
      prompt(i, 1 + random.below(1000), random.below(100)),
    );
    const running = random.below(40);
    const limits = { batch: 1 + random.below(600), slice: 1 + random.below(600) };
    const given = sharePrompts(prompts, running, limits);
    const room = Math.max(0, running > 0 ? Math.min(limits.batch - running, limits.slice) : limits.batch);
    const total = given.reduce((sum, { tokens }) => sum + tokens, 0);
    expect(total).toBe(
      Math.min(
        room,
        prompts.reduce((sum, { remaining }) => sum + remaining, 0),
      ),
    );
    for (const { id, tokens } of given) expect(tokens).toBeLessThanOrEqual(prompts[id]?.remaining ?? 0);
    const oldest = prompts.toSorted((a, b) => a.arrival - b.arrival)[0];
    if (room > 0 && oldest !== undefined)
      expect(given.some(({ id }) => prompts[id]?.arrival === oldest.arrival)).toBe(true);
  }
});

test("the slice follows what steps and tokens cost, within its bounds", () => {
  const one = { prompts: 1, answers: 1 };
  expect(sliceFor({ stepMs: 0, promptTokenMs: 0 }, one, 512)).toBe(128);
  expect(sliceFor({ stepMs: 0, promptTokenMs: 0 }, one, 64)).toBe(64);
  expect(sliceFor({ stepMs: 9, promptTokenMs: 1 }, one, 512)).toBe(27);
  expect(sliceFor({ stepMs: 1, promptTokenMs: 10 }, one, 512)).toBe(16);
  expect(sliceFor({ stepMs: 1, promptTokenMs: 10 }, one, 4)).toBe(4);
  expect(sliceFor({ stepMs: 1000, promptTokenMs: 0.01 }, one, 512)).toBe(512);
  const cheap = { stepMs: 10, promptTokenMs: 0.5 };
  expect(sliceFor(cheap, one, 4096)).toBeGreaterThan(sliceFor({ ...cheap, promptTokenMs: 1 }, one, 4096));
});

test("in a burst of prompts the slice is larger, but not without end", () => {
  const costs = { stepMs: 10, promptTokenMs: 0.5 };
  const slices = [1, 2, 4, 8, 1000].map((prompts) => sliceFor(costs, { prompts, answers: 1 }, 4096));
  expect(slices).toEqual([...slices].sort((a, b) => a - b));
  expect(slices[1]).toBeGreaterThan(slices[0] ?? 0);
  expect(slices.at(-1)).toBe(slices.at(-2) ?? 0);
});
