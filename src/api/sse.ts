// Server-sent events as clients read them: the data of one event after another. Comments, ids and retry times mean nothing here.

import { AppError } from "../base/errors.ts";
import { MAX_LINE_BYTES, readLines } from "./ndjson.ts";

export interface ServerEvent {
  /** "" where the event has no name. */
  readonly name: string;
  readonly data: string;
}

/** Throws `too-large` for a line or an event over the limit. */
export async function* readEvents(
  source: AsyncIterable<Uint8Array>,
  limitBytes = MAX_LINE_BYTES,
): AsyncGenerator<ServerEvent, void, undefined> {
  let name = "";
  let data: string[] = [];
  let length = 0;
  for await (const line of readLines(source, limitBytes, { blank: true })) {
    if (line === "") {
      if (data.length > 0) yield { name, data: data.join("\n") };
      [name, data, length] = ["", [], 0];
      continue;
    }
    const colon = line.indexOf(":");
    const [field, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    if (field === "event") name = value;
    if (field !== "data") continue;
    length += value.length;
    if (length > limitBytes)
      throw new AppError("too-large", `the server sent an event of more than ${limitBytes} bytes`);
    data.push(value);
  }
  // A last event without its blank line is whole all the same: JSON tells whether something is missing.
  if (data.length > 0) yield { name, data: data.join("\n") };
}
