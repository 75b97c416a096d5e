// A chain of llama.cpp's own samplers in llama.cpp's default order (common/common.h): what the raw loop draws with, and what
// the engine's sampler is compared with.

import type { Pointer } from "bun:ffi";
import { AppError } from "../src/base/errors.ts";
import type { Context } from "../src/runner/llama/context.ts";
import { asPointer, type LlamaSymbols, type NativePointer } from "../src/runner/llama/library.ts";

export interface ChainParams {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  /** 32-bit seed of the draw. */
  readonly seed: number;
}

export class LlamaChain implements Disposable {
  #pointer: Pointer | null;

  constructor(
    private readonly llama: LlamaSymbols,
    params: ChainParams,
  ) {
    this.#pointer = asPointer(llama.llama_sampler_chain_init(true));
    const greedy = params.temperature <= 0;
    // Only typical sampling may rule the likeliest out.
    if (!greedy || params.typicalP < 1) this.#addFilters(params);
    if (greedy) {
      this.#add(llama.llama_sampler_init_greedy());
    } else {
      this.#add(llama.llama_sampler_init_temp(params.temperature));
      this.#add(llama.llama_sampler_init_dist(params.seed >>> 0));
    }
  }

  #addFilters(params: ChainParams): void {
    const { llama } = this;
    if (params.topK > 0) this.#add(llama.llama_sampler_init_top_k(params.topK));
    if (params.typicalP < 1) this.#add(llama.llama_sampler_init_typical(params.typicalP, 1));
    if (params.topP < 1) this.#add(llama.llama_sampler_init_top_p(params.topP, 1));
    if (params.minP > 0) this.#add(llama.llama_sampler_init_min_p(params.minP, 1));
  }

  #add(sampler: NativePointer): void {
    const pointer = asPointer(sampler);
    if (pointer === null || this.#pointer === null)
      throw new AppError("internal", "llama.cpp could not make a sampler");
    this.llama.llama_sampler_chain_add(this.#pointer, pointer); // the chain owns it from here
  }

  /** Draws the next token from the logits at batch index `index`. */
  sample(context: Context, index: number): number {
    if (this.#pointer === null) throw new AppError("internal", "the sampler was freed");
    return this.llama.llama_sampler_sample(this.#pointer, context.pointer, index);
  }

  [Symbol.dispose](): void {
    if (this.#pointer !== null) this.llama.llama_sampler_free(this.#pointer);
    this.#pointer = null;
  }
}
