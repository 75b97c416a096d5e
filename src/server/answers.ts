// Several answers to one question, side by side, and what can be done to a stream of answer events on its way out.

import { AppError } from "../base/errors.ts";
import { translate } from "../base/translated.ts";
import type { AnswerEvent } from "../inference/model.ts";
import { type CollectedAnswer, collectAnswer } from "./native-chunks.ts";

export interface IndexedEvent {
  readonly index: number;
  readonly event: AnswerEvent;
}

/** Starts the answer with this index; ends early when the signal aborts. */
export type Ask = (index: number, signal: AbortSignal) => AsyncIterable<AnswerEvent>;

/**
 * The events of `count` answers as they come. One that fails ends all of them, and so does a reader that leaves: none may go on
 * computing for nobody.
 */
export function askSeveral(count: number, ask: Ask, signal: AbortSignal): AsyncIterable<IndexedEvent> {
  return count === 1 ? translate(ask(0, signal), (event) => [{ index: 0, event }]) : askSideBySide(count, ask, signal);
}

async function* askSideBySide(
  count: number,
  ask: Ask,
  signal: AbortSignal,
): AsyncGenerator<IndexedEvent, void, undefined> {
  const controller = new AbortController();
  const both = AbortSignal.any([signal, controller.signal]);
  const sources = Array.from({ length: count }, (_, index) => ask(index, both)[Symbol.asyncIterator]());
  const next = async (index: number) => ({ index, result: await sources[index]?.next() });
  const waiting = new Map(sources.map((_, index) => [index, next(index)]));
  try {
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values());
      if (result === undefined || result.done === true) {
        waiting.delete(index);
        continue;
      }
      // Asked for before it is handed on, so that it moves to the end of the queue and no answer starves another.
      waiting.delete(index);
      yield { index, event: result.value };
      waiting.set(index, next(index));
    }
  } finally {
    controller.abort();
    for (const left of waiting.values()) left.catch(() => undefined);
    for (const source of sources) void Promise.resolve(source.return?.()).catch(() => undefined);
  }
}

/** For clients that take one call at a time: calls after the first are left out. */
export function firstCallOnly(events: AsyncIterable<AnswerEvent>): AsyncIterable<AnswerEvent> {
  let called = false;
  return translate<AnswerEvent, AnswerEvent>(events, (event) => {
    if (event.type !== "tool-call") return [event];
    if (called) return [];
    called = true;
    return [event];
  });
}

/** All of `count` answers, whole. */
export async function collectSeveral(count: number, ask: Ask, signal: AbortSignal): Promise<CollectedAnswer[]> {
  const controller = new AbortController();
  const both = AbortSignal.any([signal, controller.signal]);
  const one = async (index: number): Promise<CollectedAnswer> => {
    const answer = await collectAnswer(ask(index, both));
    if (answer.done === undefined) throw new AppError("internal", "the answer did not end");
    return answer;
  };
  try {
    return await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
  } finally {
    controller.abort();
  }
}
