// Reads little-endian values forward through a source over one small window, so memory stays flat whatever is declared.
// Every read is checked against the end of the file and the end of what may be read.

import type { AppError } from "../../base/errors.ts";
import { invalid, tooLarge } from "./invalid.ts";
import type { GgufSource } from "./source.ts";
import { decodeFixed, FIXED_SIZES, type GgufFixedType } from "./value-type.ts";

const WINDOW_BYTES = 64 * 1024;
const DECODER = new TextDecoder();

export interface TextBatch {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly size: number;
}

export class GgufCursor {
  position: number;
  /** Named in the error when the file ends too early. */
  reading = "header";
  readonly #source: GgufSource;
  readonly #end: number;
  readonly #window: Uint8Array;
  readonly #view: DataView;
  #windowStart = 0;
  #windowEnd = 0;

  constructor(source: GgufSource, start: number, end: number) {
    this.#source = source;
    this.position = start;
    this.#end = end;
    this.#window = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(end - start, 1)));
    this.#view = new DataView(this.#window.buffer);
  }

  u32(): number {
    const at = this.#take(4);
    return this.#view.getUint32(at, true);
  }

  /** Inexact beyond 2^53, which every caller refuses. */
  u64(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  fixed(type: GgufFixedType): number | bigint | boolean {
    return decodeFixed(this.#view, this.#take(FIXED_SIZES[type]), type);
  }

  /** Valid until the next read. */
  bytes(count: number): Uint8Array {
    if (count > this.#window.byteLength) {
      this.#check(count);
      const large = new Uint8Array(count);
      this.#fill(large, this.position);
      this.position += count;
      return large;
    }
    const at = this.#take(count);
    return this.#window.subarray(at, at + count);
  }

  text(count: number): string {
    return DECODER.decode(this.bytes(count));
  }

  skip(count: number): void {
    this.#check(count);
    this.position += count;
  }

  // Vocabularies make these two nearly all of the reading: plain loops over the window, which run fast from the start.

  skipTexts(count: number, maximum: number): void {
    const view = this.#view;
    let left = count;
    while (left > 0) {
      this.#take(8);
      let at = this.position - 8 - this.#windowStart;
      const end = this.#windowEnd - this.#windowStart - 8;
      while (at <= end && left > 0) {
        const byteLength = smallLength(view, at, maximum);
        at += 8 + byteLength;
        left -= 1;
      }
      this.position = at + this.#windowStart;
    }
    this.#check(0);
  }

  /** Hands out the strings that lie in the window, batch by batch; valid until the next one. `maximum` must fit it. */
  *textBatches(count: number, maximum: number): Generator<TextBatch, void> {
    const view = this.#view;
    const ends = new Uint32Array(Math.ceil(this.#window.byteLength / 8));
    const starts = new Uint32Array(ends.length);
    let left = count;
    while (left > 0) {
      this.#load(8);
      let at = 0;
      let size = 0;
      while (left > 0 && at + 8 <= this.#windowEnd - this.#windowStart) {
        const byteLength = smallLength(view, at, maximum);
        if (at + 8 + byteLength > this.#windowEnd - this.#windowStart) break;
        starts[size] = at + 8;
        at += 8 + byteLength;
        ends[size] = at;
        size += 1;
        left -= 1;
      }
      if (size === 0) this.#check(8 + view.getInt32(at, true));
      this.position += at;
      yield { bytes: this.#window, starts, ends, size };
    }
  }

  #take(count: number): number {
    const { position } = this;
    if (position < this.#windowStart || position + count > this.#windowEnd) this.#load(count);
    this.position = position + count;
    return position - this.#windowStart;
  }

  #load(count: number): void {
    this.#check(count);
    const length = Math.min(this.#window.byteLength, this.#end - this.position);
    this.#windowEnd = 0;
    this.#fill(this.#window.subarray(0, length), this.position);
    this.#windowStart = this.position;
    this.#windowEnd = this.position + length;
  }

  #check(count: number): void {
    if (this.position + count <= this.#end) return;
    if (this.position + count > this.#source.size) throw this.#truncated();
    throw invalid(`GGUF metadata exceeds maximum of ${this.#end} bytes`);
  }

  #fill(target: Uint8Array, offset: number): void {
    let filled = 0;
    while (filled < target.byteLength) {
      const count = this.#source.readAt(target.subarray(filled), offset + filled);
      if (count <= 0) throw this.#truncated();
      filled += count;
    }
  }

  #truncated(): AppError {
    return invalid(`GGUF file is truncated: unexpected EOF while reading ${this.reading}`);
  }
}

/** Only 32-bit integers on the way, which is what keeps the loops above fast. */
function smallLength(view: DataView, at: number, maximum: number): number {
  const low = view.getInt32(at, true);
  const high = view.getInt32(at + 4, true);
  if (high === 0 && low >= 0 && low <= maximum) return low;
  throw tooLarge("string length", (low >>> 0) + (high >>> 0) * 2 ** 32, maximum);
}
