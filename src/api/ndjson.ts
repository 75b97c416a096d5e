// Newline-delimited JSON as clients read it: bytes in, one text per line out. A line may not grow without end.

import { AppError } from "../base/errors.ts";

/** Ollama: api/client.go, maxBufferSize. */
export const MAX_LINE_BYTES = 8_000_000;

const NEWLINE = 10;

/** Pieces of a text that arrives in chunks: `push` gives those that a chunk completes, `end` what is left over. */
export interface Pieces {
  push(chunk: Uint8Array): Iterable<string>;
  end(): Iterable<string>;
}

const decoder = new TextDecoder();

/** Without the white space around them. Throws `too-large` for a line over the limit, before it is kept. */
export class Lines implements Pieces {
  #begun: Uint8Array[] = [];
  #begunBytes = 0;

  constructor(
    private readonly limitBytes = MAX_LINE_BYTES,
    private readonly blank = false,
  ) {}

  /** All whole lines of a chunk are decoded at once: a stream of tokens has a chunk, and so a call, for each. */
  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.#keep(chunk);
      return;
    }
    const text = this.#take(chunk.subarray(0, end));
    for (const line of text.split("\n")) {
      this.#check(line.length);
      const trimmed = line.trim();
      if (trimmed !== "" || this.blank) yield trimmed;
    }
    this.#keep(chunk.subarray(end + 1));
  }

  *end(): Generator<string, void, undefined> {
    const last = this.#take(new Uint8Array()).trim();
    if (last !== "") yield last;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#begunBytes += part.length;
    this.#check(this.#begunBytes);
    this.#begun.push(part);
  }

  #take(last: Uint8Array): string {
    const bytes = this.#begun.length === 0 ? last : Buffer.concat([...this.#begun, last]);
    this.#begun = [];
    this.#begunBytes = 0;
    return decoder.decode(bytes);
  }

  #check(length: number): void {
    if (length > this.limitBytes)
      throw new AppError("too-large", `the server sent a line of more than ${this.limitBytes} bytes`);
  }
}

/** Blank lines are left out; the last line needs no line break. */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  limitBytes = MAX_LINE_BYTES,
): AsyncGenerator<string, void, undefined> {
  const lines = new Lines(limitBytes);
  for await (const chunk of source) yield* lines.push(chunk);
  yield* lines.end();
}
