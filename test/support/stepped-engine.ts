// The engine itself in a test's process, without a server around it: messages in, messages out, step by step.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, type LoadedEngine } from "../../src/runner/load.ts";
import { type NativeLibraries, prepareLibraries } from "../../src/runner/native.ts";
import type { FromRunner, GenerateDone, GenerateRequest, LoadRequest } from "../../src/runner/protocol.ts";

const MIB = 1024 * 1024;
/** Tokens of cache that memory has room for. */
const BUDGET = 4096;

let libraries: Promise<NativeLibraries> | undefined;

/** A token of cache takes a megabyte, as the engine is told, unless `options` says otherwise. */
export class SteppedEngine implements Disposable {
  readonly said: FromRunner[] = [];
  readonly home = mkdtempSync(join(tmpdir(), "engine-"));
  readonly loaded: LoadedEngine;
  #id = 0;

  static async open(gguf: Uint8Array, options: Partial<LoadRequest> = {}): Promise<SteppedEngine> {
    libraries ??= prepareLibraries(mkdtempSync(join(tmpdir(), "libraries-")));
    return new SteppedEngine(await libraries, gguf, options);
  }

  private constructor(libraries: NativeLibraries, gguf: Uint8Array, options: Partial<LoadRequest>) {
    const modelPath = join(this.home, "model.gguf");
    writeFileSync(modelPath, gguf);
    const bytes = { input: 1, layers: [1, 1], output: 1 };
    const wishes = { gpuLayers: 0, mainGpu: undefined, spread: false, overheadBytes: 0, context: 256 };
    const request: LoadRequest = {
      type: "load",
      libraryDir: libraries.directory,
      backendFiles: libraries.backendFiles,
      modelPath,
      draft: undefined,
      adapters: [],
      threads: 1,
      startThreads: undefined,
      fixedThreads: true,
      offload: {
        model: { bytes, kvBytesPerToken: MIB, recurrentBytesPerSequence: 0 },
        wishes: { ...wishes, hostCacheBytes: BUDGET * MIB },
      },
      mmap: true,
      batch: 512,
      kvType: "f16",
      flashAttention: "auto",
      maxContext: 2048,
      maxSequences: 8,
      kvBytesPerToken: MIB,
      prefixCacheBytes: 64 * MIB,
      stateDir: undefined,
      stateDirBytes: 0,
      embedding: false,
      caged: false,
      ranks: false,
      ...options,
    };
    this.loaded = createEngine(request, (message) => this.said.push(message));
  }

  /** Runs all prompts at once to their ends; what each of them reports, or the message it fails with. */
  outcomes(prompts: readonly string[], more: Partial<GenerateRequest> = {}): (GenerateDone | string)[] {
    const ids = prompts.map((prompt) => this.submit(prompt, more));
    while (!this.loaded.engine.idle) this.loaded.engine.step();
    return ids.map((id) => this.outcome(id));
  }

  submit(prompt: string, more: Partial<GenerateRequest> = {}): number {
    const id = ++this.#id;
    this.loaded.engine.submit({ ...REQUEST, id, prompt, ...more });
    return id;
  }

  outcome(id: number): GenerateDone | string {
    const last = this.said.findLast((message) => "id" in message && message.id === id);
    return last?.type === "done" ? last : last?.type === "failed" ? last.message : "no end";
  }

  ask(prompts: readonly string[], more: Partial<GenerateRequest> = {}): GenerateDone[] {
    return this.outcomes(prompts, more).map((outcome) => {
      if (typeof outcome === "string") throw new Error(outcome);
      return outcome;
    });
  }

  get plan() {
    const told = this.said.findLast((message) => message.type === "memory");
    return told === undefined ? undefined : [told.sequences, told.contextPerSequence];
  }

  /** How many conversations were written, one a call. */
  persistAll(): number {
    let written = 0;
    while (this.loaded.engine.rest()) written++;
    return written;
  }

  /** The vectors of one request. Throws what the engine refuses it with. */
  embed(inputs: readonly string[]): readonly (readonly number[])[] {
    const id = ++this.#id;
    const { embedder } = this.loaded;
    embedder.submit({ type: "embed", id, inputs, query: undefined, truncate: true, contextLimit: 2 ** 30 });
    while (!embedder.idle) embedder.step();
    const told = this.said.at(-1);
    if (told?.type !== "embeddings") throw new Error(told?.type === "failed" ? told.message : "no embeddings");
    return told.vectors;
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

const REQUEST: Omit<GenerateRequest, "id" | "prompt"> = {
  type: "generate",
  contextTokens: [],
  addSpecial: true,
  sampling: {
    temperature: 0,
    topK: 40,
    topP: 1,
    minP: 0,
    typicalP: 1,
    repeatLastN: 64,
    repeatPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    seed: 1,
    logitBias: [],
  },
  stop: [],
  maxTokens: 1,
  contextLimit: 2048,
  numKeep: 4,
  cutPrompt: false,
  shift: true,
  logprobs: undefined,
  grammar: undefined,
  grammarAfter: undefined,
  returnTokens: false,
  printSpecial: false,
  draftTokens: 0,
};
