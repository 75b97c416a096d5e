// Server-sent events as clients read them: the data of one event after another. Names, comments, ids and retry times mean
// nothing here.

import { AppError } from "../base/errors.ts";
import { Lines, MAX_LINE_BYTES, type Pieces } from "./ndjson.ts";

/** Throws `too-large` for a line or an event over the limit. */
export class EventData implements Pieces {
  readonly #lines: Lines;
  #data: string[] = [];
  #length = 0;

  constructor(private readonly limitBytes = MAX_LINE_BYTES) {
    this.#lines = new Lines(limitBytes, true);
  }

  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    for (const line of this.#lines.push(chunk)) {
      if (line === "") yield* this.#take();
      else this.#add(line);
    }
  }

  /** A last event without its blank line is whole all the same: JSON tells whether something is missing. */
  *end(): Generator<string, void, undefined> {
    for (const line of this.#lines.end()) this.#add(line);
    yield* this.#take();
  }

  *#take(): Generator<string, void, undefined> {
    if (this.#data.length === 0) return;
    const data = this.#data.length === 1 ? (this.#data[0] ?? "") : this.#data.join("\n");
    this.#data = [];
    this.#length = 0;
    yield data;
  }

  #add(line: string): void {
    if (line !== "data" && !line.startsWith("data:")) return;
    const value = line.slice(line.startsWith("data: ") ? 6 : 5);
    this.#length += value.length;
    if (this.#length > this.limitBytes)
      throw new AppError("too-large", `the server sent an event of more than ${this.limitBytes} bytes`);
    this.#data.push(value);
  }
}
