// What an answer from elsewhere is charged for: the engine's own counts, else its length, so that an engine that counts nothing
// and a client that leaves early do not make it free.

import { Translated } from "../../base/translated.ts";
import type { AnswerEvent, Asker } from "../model.ts";

const CHARACTERS_PER_TOKEN = 4;

interface Charged {
  readonly asker: Asker;
  readonly model: string;
  /** Another answer to the same prompt pays for it. */
  readonly promptIsShared: boolean;
}

/** Reports once, when the answer ends in whatever way, if it began at all. */
export function metered(
  events: AsyncIterable<AnswerEvent>,
  { asker, model, promptIsShared }: Charged,
): AsyncIterable<AnswerEvent> {
  let characters = 0;
  let begun = false;
  let done: Extract<AnswerEvent, { type: "done" }> | undefined;
  const read = (event: AnswerEvent): readonly AnswerEvent[] => {
    begun = true;
    if (event.type === "done") done = event;
    else characters += event.type === "tool-call" ? JSON.stringify(event.call.arguments).length : event.text.length;
    return [event];
  };
  const close = () => {
    if (!begun) return;
    const { promptTokens = 0, cachedTokens = 0, generatedTokens = 0 } = done?.usage ?? {};
    asker.used({
      model,
      promptTokens: promptIsShared ? 0 : promptTokens,
      cachedTokens: promptIsShared ? 0 : cachedTokens,
      generatedTokens: generatedTokens || Math.ceil(characters / CHARACTERS_PER_TOKEN),
      complete: done !== undefined,
    });
  };
  return new Translated(() => ({ source: events[Symbol.asyncIterator](), read, close }));
}
