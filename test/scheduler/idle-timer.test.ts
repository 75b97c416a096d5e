// A model's time to live does not follow the system's clock.

import { expect, test } from "bun:test";
import { IdleTimer } from "../../src/scheduler/idle-timer.ts";

const DAY_MS = 24 * 60 * 60_000;

test("it expires by itself, once, and not while it is held", async () => {
  let expired = 0;
  const ended = Promise.withResolvers<void>();
  const timer = new IdleTimer(() => {
    expired++;
    ended.resolve();
  });
  timer.start(5);
  timer.hold(60_000);
  expect(timer.remainingMs).toBeWithin(59_000, 60_001);
  timer.start(5);
  await ended.promise;
  expect(expired).toBe(1);
  expect(timer.remainingMs).toBe(0);
});

test("a wait longer than a timer can hold is renewed, not started over", () => {
  let nowMs = 0;
  const timer = new IdleTimer(
    () => {},
    () => nowMs,
  );
  timer.start(30 * DAY_MS);
  nowMs = 25 * DAY_MS;
  expect(timer.remainingMs).toBe(5 * DAY_MS);
  timer.stop();
});

test("for ever is for ever", () => {
  const timer = new IdleTimer(() => {});
  timer.start(Number.POSITIVE_INFINITY);
  expect(timer.remainingMs).toBe(Number.POSITIVE_INFINITY);
});
