// What a runner says of itself while it works: now and then that it gets on, and beforehand that it may take long.

import { expect, test } from "bun:test";
import { Pulse } from "../../src/runner/engine/pulse.ts";
import type { FromRunner } from "../../src/runner/protocol.ts";

const GB = 1e9;

function pulseOf(modelBytes: number): { pulse: Pulse; said: () => number[] } {
  const messages: FromRunner[] = [];
  const pulse = new Pulse(modelBytes, (message) => messages.push(message));
  return { pulse, said: () => messages.map((message) => (message.type === "alive" ? message.nextMs : -1)) };
}

test("work that was done is told once a second at most", () => {
  const { pulse, said } = pulseOf(GB);
  for (let ms = 0; ms <= 3000; ms += 10) pulse.beat(ms);
  expect(said()).toEqual([0, 0, 0, 0]);
});

test("before anything was measured, a batch may take what it takes where each token passes all weights slowly", () => {
  const { pulse, said } = pulseOf(4 * GB);
  pulse.announce(512, 0);
  expect(said()).toEqual([(512 * 4 * GB) / 500e3]);
});

test("later it may take twenty times what its tokens have cost", () => {
  const { pulse, said } = pulseOf(4 * GB);
  pulse.announce(512, 30);
  expect(said()).toEqual([512 * 30 * 20]);
});

test("short batches are not announced", () => {
  const { pulse, said } = pulseOf(4 * GB);
  pulse.announce(1, 100);
  pulse.announce(512, 0.5);
  expect(said()).toEqual([]);
});
