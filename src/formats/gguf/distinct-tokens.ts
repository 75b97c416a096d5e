// llama.cpp asserts that no two tokens have the same text, so a repeated one would abort the loader. Tokens are compared
// by a 64-bit hash, which finds every repetition, in one pass and without keeping the vocabulary.

import type { TextBatch } from "./cursor.ts";
import { invalid, quoteName } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import type { GgufArray, GgufMetadata } from "./metadata.ts";

const DECODER = new TextDecoder();

/** More steps than this for each token means hashes made to collide. */
const STEPS_PER_TOKEN = 32;

export function refuseRepeatedTokens(metadata: GgufMetadata, tokens: GgufArray): void {
  const seen = new HashSet(tokens.count);
  for (const batch of metadata.cursor(tokens).textBatches(tokens.count, LIMITS.tokenBytes)) {
    const repeated = seen.addAll(batch);
    if (repeated === undefined) continue;
    const text = DECODER.decode(batch.bytes.subarray(batch.starts[repeated], batch.ends[repeated]));
    throw invalid(`token ${quoteName(text)} is in the vocabulary twice`);
  }
}

class HashSet {
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  #steps: number;

  constructor(count: number) {
    const slots = 2 ** Math.ceil(Math.log2(count * 2 + 2));
    this.#low = new Int32Array(slots);
    this.#high = new Int32Array(slots);
    this.#steps = count * STEPS_PER_TOKEN + 1024;
  }

  /** The first of the batch that is there already. An odd half of the hash marks a slot as taken. */
  addAll({ bytes, starts, ends, size }: TextBatch): number | undefined {
    const lows = this.#low;
    const highs = this.#high;
    const mask = lows.length - 1;
    for (let index = 0; index < size; index++) {
      const end = ends[index] as number;
      let at = starts[index] as number;
      // An empty token gets a name of its own, "[EMPTY_<index>]".
      if (at === end) continue;
      let low = 0x1eadbeef;
      let high = 0x41c6ce57;
      for (; at < end; at++) {
        const byte = bytes[at] as number;
        low = Math.imul(low ^ byte, 0x9e3779b1);
        high = Math.imul(high ^ byte, 0x5f356495);
      }
      low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
      high = (Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)) | 1;
      let slot = low & mask;
      while (highs[slot] !== 0) {
        if (lows[slot] === low && highs[slot] === high) return index;
        if (--this.#steps < 0) throw invalid("the vocabulary cannot be indexed");
        slot = (slot + 1) & mask;
      }
      lows[slot] = low;
      highs[slot] = high;
    }
    return undefined;
  }
}
