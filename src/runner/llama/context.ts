// A llama_context: the KV cache of its sequences and the buffers to evaluate batches. Its creation reads back what was
// asked for, so that a struct layout that does not fit the library stops here instead of corrupting memory.

import { ptr, toArrayBuffer, type Pointer } from "bun:ffi";
import { AppError } from "../../base/errors.ts";
import { layouts } from "./abi.gen.ts";
import type { Batch } from "./batch.ts";
import { asPointer, passing, type LlamaSymbols } from "./library.ts";
import type { Model } from "./model.ts";
import { byValue, CStruct } from "./struct.ts";

export type KvCacheType = "f32" | "f16" | "bf16" | "q8_0" | "q5_1" | "q5_0" | "q4_1" | "q4_0" | "iq4_nl";
/** ggml type ids (ggml.h). */
export const GGML_TYPE_ID: Record<KvCacheType, number> = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q5_0: 6,
  q5_1: 7,
  q8_0: 8,
  iq4_nl: 20,
  bf16: 30,
};

export type FlashAttention = "auto" | "on" | "off";

export interface ContextParams {
  /** Tokens one sequence can hold. */
  readonly contextPerSequence: number;
  readonly sequences: number;
  readonly batch: number;
  readonly microBatch: number;
  readonly threads: number;
  readonly kvType: KvCacheType;
  readonly flashAttention: FlashAttention;
  readonly unified: boolean;
  /** Most logits rows one batch may ask for (0: one per token); their buffer is reserved. More aborts the process. */
  readonly outputs: number;
  readonly embeddings: boolean;
  /** llama.h's pooling type; -1: what the model says. */
  readonly pooling: number;
  /** Keeps the whole sliding-window cache so that prefixes can be cut back and shifted. */
  readonly fullSlidingWindow: boolean;
}

const VIEWS_KEPT = 256;
const FLASH = { auto: -1, off: 0, on: 1 } as const;

export class Context implements Disposable {
  readonly canShift: boolean;
  readonly pooling: number;
  /** What each sequence really holds: llama.cpp rounds the size up. */
  readonly contextPerSequence: number;
  readonly #memory: Pointer;
  #pointer: Pointer | null;
  #threadpool: Pointer | null = null;

  static create(llama: LlamaSymbols, model: Model, params: ContextParams): Context {
    const struct = new CStruct(layouts.llama_context_params).set({
      n_ctx: params.contextPerSequence * params.sequences,
      n_batch: params.batch,
      n_ubatch: params.microBatch,
      n_seq_max: params.sequences,
      n_outputs_max: params.outputs,
      n_threads: params.threads,
      n_threads_batch: params.threads,
      flash_attn_type: FLASH[params.flashAttention],
      type_k: GGML_TYPE_ID[params.kvType],
      type_v: GGML_TYPE_ID[params.kvType],
      embeddings: params.embeddings,
      pooling_type: params.pooling,
      swa_full: params.fullSlidingWindow,
      kv_unified: params.unified,
    });
    const pointer = asPointer(llama.llama_init_from_model(...byValue(model.pointer, struct, passing)));
    void struct;
    if (pointer === null) {
      throw new AppError("internal", "llama.cpp could not create a context (not enough memory?)");
    }
    return new Context(llama, model, params, pointer);
  }

  private constructor(
    private readonly llama: LlamaSymbols,
    private readonly model: Model,
    readonly params: ContextParams,
    pointer: Pointer,
  ) {
    this.#pointer = pointer;
    this.contextPerSequence = llama.llama_n_ctx_seq(pointer);
    this.#selfCheck();
    this.pooling = llama.llama_pooling_type(pointer);
    const memory = asPointer(llama.llama_get_memory(pointer));
    this.#memory = memory ?? (0 as Pointer);
    this.canShift = memory !== null && llama.llama_memory_can_shift(memory);
  }

  #selfCheck(): void {
    const { llama, params } = this;
    const got = [
      llama.llama_n_seq_max(this.pointer),
      llama.llama_n_threads(this.pointer),
      llama.llama_n_threads_batch(this.pointer),
    ];
    const want = [params.sequences, params.threads, params.threads];
    const batchFits = llama.llama_n_batch(this.pointer) <= Math.max(params.batch, 64);
    const contextFits = this.contextPerSequence >= Math.min(params.contextPerSequence, this.model.trainedContext);
    if (!got.every((value, i) => value === want[i]) || !batchFits || !contextFits) {
      throw new AppError(
        "internal",
        `the llama.cpp library does not match this build (asked ${want.join("/")}, got ${got.join("/")}); reinstall`,
      );
    }
  }

  get pointer(): Pointer {
    if (this.#pointer === null) throw new AppError("internal", "the context was freed");
    return this.#pointer;
  }

  get hasMemory(): boolean {
    return this.#memory !== (0 as Pointer);
  }

  [Symbol.dispose](): void {
    if (this.#pointer === null) return;
    if (this.#threadpool !== null) this.llama.llama_detach_threadpool(this.#pointer);
    this.llama.llama_free(this.#pointer);
    this.#pointer = null;
  }

  /** The pool must outlive the context. */
  attachThreadpool(pool: Pointer): void {
    this.llama.llama_attach_threadpool(this.pointer, pool, pool);
    this.#threadpool = pool;
  }

  setThreads(threads: number): void {
    this.llama.llama_set_n_threads(this.pointer, threads, threads);
  }

  /** Evaluates a batch. 0: done; 1: no KV slot for it (nothing changed); 2: aborted; negative: failed. */
  decode(batch: Batch): number {
    return this.llama.llama_decode(...byValue(this.pointer, batch.sealed(), passing));
  }

  encode(batch: Batch): number {
    return this.llama.llama_encode(...byValue(this.pointer, batch.sealed(), passing));
  }

  /** The logits of one output of the last batch. A view into native memory: read it before the next decode. */
  logits(index: number): Float32Array | undefined {
    return this.#floats(this.llama.llama_get_logits_ith(this.pointer, index), this.model.vocabSize);
  }

  embeddingOfToken(index: number): Float32Array | undefined {
    return this.#floats(this.llama.llama_get_embeddings_ith(this.pointer, index), this.model.embeddingLength);
  }

  /** The pooled embedding of a sequence; with rank pooling, `length` class scores instead. */
  embeddingOfSequence(sequence: number, length = this.model.embeddingLength): Float32Array | undefined {
    return this.#floats(this.llama.llama_get_embeddings_seq(this.pointer, sequence), length);
  }

  /** Views are kept by address: llama.cpp reuses its output buffer, and a new view a token makes the collector run. */
  readonly #views = new Map<number, Float32Array>();

  #floats(address: Pointer | bigint | null, length: number): Float32Array | undefined {
    const pointer = asPointer(address);
    if (pointer === null) return undefined;
    const known = this.#views.get(pointer);
    if (known !== undefined && known.length === length) return known;
    if (this.#views.size >= VIEWS_KEPT) this.#views.clear();
    const view = new Float32Array(toArrayBuffer(pointer, 0, length * 4));
    this.#views.set(pointer, view);
    return view;
  }

  clear(): void {
    if (this.hasMemory) this.llama.llama_memory_clear(this.#memory, false);
  }

  /** Forgets positions [from, to) of a sequence; `to` < 0: to the end. False when this memory cannot do that. */
  remove(sequence: number, from: number, to: number): boolean {
    return this.hasMemory && this.llama.llama_memory_seq_rm(this.#memory, sequence, from, to);
  }

  /** Copies a whole sequence; separate streams know no partial copy (a partial range is a fatal assert). */
  copy(source: number, target: number): void {
    this.llama.llama_memory_seq_cp(this.#memory, source, target, -1, -1);
  }

  shift(sequence: number, from: number, to: number, delta: number): void {
    this.llama.llama_memory_seq_add(this.#memory, sequence, from, to, delta);
  }

  firstPosition(sequence: number): number {
    return this.llama.llama_memory_seq_pos_min(this.#memory, sequence);
  }

  lastPosition(sequence: number): number {
    return this.llama.llama_memory_seq_pos_max(this.#memory, sequence);
  }

  saveSequence(sequence: number): Uint8Array {
    const size = Number(this.llama.llama_state_seq_get_size_ext(this.pointer, sequence, 0));
    const data = new Uint8Array(size);
    if (size === 0) return data;
    const written = Number(this.llama.llama_state_seq_get_data_ext(this.pointer, ptr(data), size, sequence, 0));
    return written === size ? data : data.subarray(0, written);
  }

  /** Restores what `saveSequence` gave; false when the context refuses it (the sequence is then empty). */
  restoreSequence(sequence: number, data: Uint8Array): boolean {
    const read = this.llama.llama_state_seq_set_data_ext(this.pointer, ptr(data), data.length, sequence, 0);
    return Number(read) === data.length;
  }
}
