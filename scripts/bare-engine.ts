// A model with a context and nothing around it: what the raw rows of the bench compute with, and what tests take logits from.

import { Context, type ContextParams } from "../src/runner/llama/context.ts";
import { loadBackend, loadBackends } from "../src/runner/llama/devices.ts";
import { type LlamaSymbols, openLlama } from "../src/runner/llama/library.ts";
import { Model } from "../src/runner/llama/model.ts";
import { Threadpool } from "../src/runner/llama/threadpool.ts";

export interface BareEngine {
  readonly llama: LlamaSymbols;
  readonly model: Model;
  readonly context: Context;
}

const ONE_SEQUENCE: ContextParams = {
  contextPerSequence: 256,
  sequences: 1,
  batch: 64,
  microBatch: 64,
  threads: 1,
  kvType: "f16",
  flashAttention: "auto",
  unified: false,
  outputs: 1,
  embeddings: false,
  pooling: -1,
  fullSlidingWindow: true,
};

/** One sequence on one thread, but for what `params` says; on the backends of `directory`, or on one library alone. */
export function openBareEngine(
  directory: string,
  path: string,
  params: Partial<ContextParams> = {},
  backend?: string,
): BareEngine {
  const llama = openLlama(directory);
  if (backend === undefined) loadBackends(llama, directory);
  else loadBackend(llama, backend);
  llama.llama_backend_init();
  const model = Model.load(llama, path, { gpus: [], mmap: true });
  const wanted = { ...ONE_SEQUENCE, ...params };
  const context = Context.create(llama, model, wanted);
  const pool = wanted.threads > 1 ? Threadpool.create(llama, wanted.threads) : undefined;
  if (pool !== undefined) context.attachThreadpool(pool.pointer);
  return { llama, model, context };
}
