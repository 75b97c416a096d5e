// llama.cpp without a server around it: loads a GGUF in this process and says which tokens, logits and vectors it makes.

import { prepareLibraries } from "../../src/runner/native.ts";
import { Batch } from "../../src/runner/llama/batch.ts";
import { Context } from "../../src/runner/llama/context.ts";
import { loadBackend } from "../../src/runner/llama/devices.ts";
import { type LlamaSymbols, openLlama } from "../../src/runner/llama/library.ts";
import { Model } from "../../src/runner/llama/model.ts";

const CONTEXT = 128;

let opened: Promise<LlamaSymbols> | undefined;

async function open(): Promise<LlamaSymbols> {
  const libraries = await prepareLibraries(process.env["XDG_CACHE_HOME"] ?? "/tmp");
  const llama = openLlama(libraries.directory);
  for (const file of libraries.backendFiles) loadBackend(llama, file);
  llama.llama_backend_init();
  return llama;
}

export async function loadGguf(path: string): Promise<GgufEvaluation> {
  opened ??= open();
  const llama = await opened;
  return new GgufEvaluation(llama, Model.load(llama, path, { gpus: [], mmap: true }));
}

export class GgufEvaluation implements Disposable {
  constructor(
    private readonly llama: LlamaSymbols,
    readonly model: Model,
  ) {}

  /** Logits after each of `positions`. */
  logits(tokens: readonly number[], positions: readonly number[]): number[][] {
    using context = this.#context(false);
    this.#evaluate(context, tokens);
    return positions.map((at) => Array.from(context.logits(at) ?? []));
  }

  /** The vector of the whole text, pooled as the file says, not normalized. */
  embedding(tokens: readonly number[]): number[] {
    using context = this.#context(true);
    this.#evaluate(context, tokens);
    return Array.from(context.embeddingOfSequence(0) ?? []);
  }

  #context(embeddings: boolean): Context {
    return Context.create(this.llama, this.model, {
      contextPerSequence: CONTEXT,
      sequences: 1,
      batch: CONTEXT,
      microBatch: CONTEXT,
      threads: 1,
      // Nothing may be rounded on the way: the reference computes in F32.
      kvType: "f32",
      flashAttention: "off",
      unified: false,
      outputs: 0,
      embeddings,
      pooling: -1,
      fullSlidingWindow: true,
    });
  }

  #evaluate(context: Context, tokens: readonly number[]): void {
    const batch = new Batch(CONTEXT);
    for (const [position, token] of tokens.entries()) batch.add(token, position, 0, true);
    const code = context.hasMemory ? context.decode(batch) : context.encode(batch);
    if (code !== 0) throw new Error(`llama.cpp could not evaluate the batch (code ${code})`);
  }

  [Symbol.dispose](): void {
    this.model[Symbol.dispose]();
  }
}
