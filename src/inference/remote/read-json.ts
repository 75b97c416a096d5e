// The JSON values of a streamed answer, whatever carries them: server-sent events, lines, or one whole document from an engine
// that does not stream. An error among them ends the answer.

import { readLines } from "../../api/ndjson.ts";
import { isRecord } from "../../api/responses.ts";
import { readEvents } from "../../api/sse.ts";
import { AppError } from "../../base/errors.ts";
import { errorText, isWebPage, type Place, quoted, unreadable, webPage } from "./failure.ts";
import type { AnswerStream } from "./transport.ts";

const DONE = "[DONE]";

/** Of an OpenAI-compatible engine. Ends at [DONE]. */
export async function* eventValues(
  place: Place,
  stream: AnswerStream,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const isStream = stream.contentType.includes("event-stream");
  yield* values(place, isStream ? eventTexts(stream) : readLines(stream.chunks));
}

async function* eventTexts({ chunks }: AnswerStream): AsyncGenerator<string, void, undefined> {
  for await (const { data } of readEvents(chunks)) {
    if (data.trim() === DONE) return;
    yield data;
  }
}

/** Of an Ollama. */
export async function* lineValues(
  place: Place,
  stream: AnswerStream,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  yield* values(place, readLines(stream.chunks));
}

async function* values(
  place: Place,
  texts: AsyncIterable<string>,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  try {
    for await (const text of texts) {
      const value = parsed(place, text);
      const error = "error" in value && value["error"] !== null ? errorText(value) : undefined;
      if (error !== undefined) throw unreadable(place, `failed: ${quoted(error)}`);
      yield value;
    }
  } catch (error) {
    // Only reading lines knows this fault, and it does not know whom it reads from.
    if (error instanceof AppError && error.fault === "too-large")
      throw unreadable(place, `cannot be read: ${error.message}`, error);
    throw error;
  }
}

function parsed(place: Place, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (isWebPage("", text)) throw unreadable(place, `sent ${webPage(text)}`, error);
    throw unreadable(place, `sent something that is no JSON: ${quoted(text)}`, error);
  }
  if (!isRecord(value)) throw unreadable(place, `sent JSON that is no object: ${quoted(text)}`);
  return value;
}
