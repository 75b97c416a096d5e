// The values of `run`'s flags, read before anything is asked of a server.

import { formatDuration, parseDuration } from "../../base/duration.ts";
import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";

/** A Go duration with a unit; negative means for ever, which requests say as -1. "" is no wish. */
export function parseKeepAlive(text: string): string | number | undefined {
  if (text === "") return undefined;
  const nanoseconds = parseDuration(text);
  return nanoseconds < 0n ? -1 : formatDuration(nanoseconds);
}

/** "json", or a JSON schema as it stands. */
export function parseFormat(text: string): unknown {
  if (text === "") return undefined;
  if (text === "json") return text;
  try {
    const schema: unknown = JSON.parse(text);
    return schema;
  } catch (error) {
    const message = `invalid value for --format: ${goQuote(text)} (must be json or a JSON schema)`;
    throw new AppError("invalid", message, { cause: error });
  }
}
