// A key's places: as many as its limit, in order, and no more waiting than the bound.

import { expect, test } from "bun:test";
import { Turnstile } from "../../src/access/turnstile.ts";

const never = new AbortController().signal;

test("the limit lets so many in, and the rest in order as places become free", async () => {
  const turnstile = new Turnstile(10);
  const leave = [await turnstile.enter("k", 2, never), await turnstile.enter("k", 2, never)];
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (index) => {
    const out = await turnstile.enter("k", 2, never);
    order.push(index);
    return out;
  });
  expect(turnstile.waiting).toBe(3);
  leave[0]?.();
  leave[0]?.(); // twice counts once
  (await waiting[0])?.();
  (await waiting[1])?.();
  (await waiting[2])?.();
  expect(order).toEqual([1, 2, 3]);
  leave[1]?.();
  expect(turnstile.waiting).toBe(0);
});

test("past the bound it is busy; another key is not concerned", async () => {
  const turnstile = new Turnstile(1);
  await turnstile.enter("k", 1, never);
  const waiting = turnstile.enter("k", 1, never);
  expect(turnstile.enter("k", 1, never)).rejects.toMatchObject({ fault: "busy", retryAfterSeconds: 1 });
  await turnstile.enter("other", 1, never);
  expect(turnstile.waiting).toBe(1);
  void waiting;
});

test("who gives up leaves the line, and takes no place", async () => {
  const turnstile = new Turnstile(5);
  const leave = await turnstile.enter("k", 1, never);
  const abort = new AbortController();
  const given = turnstile.enter("k", 1, abort.signal);
  const next = turnstile.enter("k", 1, never);
  abort.abort();
  expect(given).rejects.toMatchObject({ fault: "canceled" });
  leave();
  (await next)();
  (await turnstile.enter("k", 1, never))();
  expect(turnstile.waiting).toBe(0);
});
