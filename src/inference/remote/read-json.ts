// The JSON values of a streamed answer, whatever carries them: server-sent events, lines, or one whole document from an engine
// that does not stream. An error among them ends the answer.

import { Lines, type Pieces } from "../../api/ndjson.ts";
import { isRecord } from "../../api/responses.ts";
import { EventData } from "../../api/sse.ts";
import { AppError } from "../../base/errors.ts";
import { errorText, isWebPage, type Place, quoted, unreadable, webPage } from "./failure.ts";
import type { AnswerStream } from "./transport.ts";

const DONE = "[DONE]";

type Value = Record<string, unknown>;
type Values = AsyncGenerator<Value, void, undefined>;

/** Of an OpenAI-compatible engine. Ends at [DONE]. */
export function eventValues(place: Place, stream: AnswerStream): Values {
  return values(place, stream, stream.contentType.includes("event-stream") ? new EventData() : new Lines());
}

/** Of an Ollama. */
export function lineValues(place: Place, stream: AnswerStream): Values {
  return values(place, stream, new Lines());
}

async function* values(place: Place, { chunks }: AnswerStream, pieces: Pieces): Values {
  try {
    for await (const chunk of chunks) {
      for (const text of pieces.push(chunk)) {
        if (isDone(text)) return;
        yield valueOf(place, text);
      }
    }
    for (const text of pieces.end()) {
      if (isDone(text)) return;
      yield valueOf(place, text);
    }
  } catch (error) {
    // Only reading lines knows this fault, and it does not know whom it reads from.
    if (error instanceof AppError && error.fault === "too-large")
      throw unreadable(place, `cannot be read: ${error.message}`, error);
    throw error;
  }
}

function isDone(text: string): boolean {
  return text.startsWith(DONE) && text.trim() === DONE;
}

function valueOf(place: Place, text: string): Value {
  const value = parsed(place, text);
  const error = "error" in value && value["error"] !== null ? errorText(value) : undefined;
  if (error !== undefined) throw unreadable(place, `failed: ${quoted(error)}`);
  return value;
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
