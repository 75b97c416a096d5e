// What an answer from elsewhere is charged for: the engine's own counts, else its length, so that an engine that counts nothing
// and a client that leaves early do not make it free.

import type { AnswerEvent, Asker } from "../model.ts";

const CHARACTERS_PER_TOKEN = 4;

interface Charged {
  readonly asker: Asker;
  readonly model: string;
  /** Another answer to the same prompt pays for it. */
  readonly promptIsShared: boolean;
}

/** Reports once, when the answer ends in whatever way, if it began at all. */
export async function* metered(
  events: AsyncIterable<AnswerEvent>,
  { asker, model, promptIsShared }: Charged,
): AsyncGenerator<AnswerEvent, void, undefined> {
  let characters = 0;
  let begun = false;
  let done: Extract<AnswerEvent, { type: "done" }> | undefined;
  try {
    for await (const event of events) {
      begun = true;
      if (event.type === "done") done = event;
      else characters += event.type === "tool-call" ? JSON.stringify(event.call.arguments).length : event.text.length;
      yield event;
    }
  } finally {
    const { promptTokens = 0, cachedTokens = 0, generatedTokens = 0 } = done?.usage ?? {};
    const spent = {
      model,
      promptTokens: promptIsShared ? 0 : promptTokens,
      cachedTokens: promptIsShared ? 0 : cachedTokens,
      generatedTokens: generatedTokens || Math.ceil(characters / CHARACTERS_PER_TOKEN),
      complete: done !== undefined,
    };
    if (begun) asker.used(spent);
  }
}
