// llama_batch over arrays that are allocated once. Native code reads them through addresses inside other arrays, so this
// object keeps every one of them referenced (an array reachable only by address is collected, and the decode crashes).

import { ptr } from "bun:ffi";
import { layouts } from "./abi.gen.ts";
import { CStruct } from "./struct.ts";

export class Batch {
  readonly struct = new CStruct(layouts.llama_batch);
  readonly #token: Int32Array;
  readonly #pos: Int32Array;
  readonly #seqCount: Int32Array;
  readonly #seqIds: Int32Array;
  readonly #seqPointers: BigUint64Array;
  readonly #output: Int8Array;
  #length = 0;

  constructor(readonly capacity: number) {
    this.#token = new Int32Array(capacity);
    this.#pos = new Int32Array(capacity);
    this.#seqCount = new Int32Array(capacity).fill(1);
    this.#seqIds = new Int32Array(capacity);
    this.#seqPointers = new BigUint64Array(capacity);
    this.#output = new Int8Array(capacity);
    const base = BigInt(ptr(this.#seqIds));
    for (let i = 0; i < capacity; i++) this.#seqPointers[i] = base + BigInt(i * 4);
    this.struct.set({
      token: BigInt(ptr(this.#token)),
      pos: BigInt(ptr(this.#pos)),
      n_seq_id: BigInt(ptr(this.#seqCount)),
      seq_id: BigInt(ptr(this.#seqPointers)),
      logits: BigInt(ptr(this.#output)),
    });
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Appends one token; returns its index in the batch, by which its logits are read. */
  add(token: number, position: number, sequence: number, output: boolean): number {
    const index = this.#length++;
    this.#token[index] = token;
    this.#pos[index] = position;
    this.#seqIds[index] = sequence;
    this.#output[index] = output ? 1 : 0;
    return index;
  }

  /** The struct with its current token count, ready to pass. */
  sealed(): CStruct<(typeof layouts)["llama_batch"]> {
    return this.struct.set({ n_tokens: this.#length });
  }
}
