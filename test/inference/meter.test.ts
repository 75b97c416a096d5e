// What answers from elsewhere are charged for.

import { expect, test } from "bun:test";
import { metered } from "../../src/inference/remote/meter.ts";
import type { AnswerEvent, SpentTokens } from "../../src/inference/model.ts";
import { Clock } from "../../src/inference/remote/clock.ts";

function done(generatedTokens: number): AnswerEvent {
  const usage = new Clock().usage({ promptTokens: 7, cachedTokens: 3, generatedTokens });
  return { type: "done", reason: "stop", stopWord: undefined, usage, context: undefined, malformedToolCall: false };
}

async function spent(events: readonly AnswerEvent[], taken: number, promptIsShared = false): Promise<SpentTokens[]> {
  const found: SpentTokens[] = [];
  const asker = { id: "", used: (each: SpentTokens) => void found.push(each), shortened: () => undefined };
  async function* source(): AsyncGenerator<AnswerEvent> {
    yield* events;
  }
  let left = taken;
  for await (const _ of metered(source(), { asker, model: "m", promptIsShared })) if (--left === 0) break;
  return found;
}

const text: AnswerEvent = { type: "text-delta", text: "twelve chars" };

test("the engine's counts are charged, once", async () => {
  const whole = { model: "m", promptTokens: 7, cachedTokens: 3, generatedTokens: 2, complete: true };
  expect(await spent([text, done(2)], 9)).toEqual([whole]);
  expect(await spent([text, done(2)], 9, true)).toEqual([{ ...whole, promptTokens: 0, cachedTokens: 0 }]);
});

test("an engine that counts nothing, or a client that leaves, is charged by the length", async () => {
  expect(await spent([text, done(0)], 9)).toMatchObject([{ generatedTokens: 3, complete: true }]);
  expect(await spent([text, text, done(6)], 1)).toMatchObject([{ generatedTokens: 3, complete: false }]);
});

test("what never began costs nothing", async () => {
  expect(await spent([], 9)).toEqual([]);
});
