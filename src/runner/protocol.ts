// What the server process and a runner say to each other over the IPC channel. Both ends are this same binary, so these
// are types only. One `step` message carries the output of every sequence of a decode step.

import type { Fault } from "../base/errors.ts";
import type { CageReport } from "./cage/report.ts";
import type { FlashAttention, KvCacheType } from "./llama/context.ts";
import type { OffloadModel, OffloadWishes } from "./offload.ts";

/** Everything that makes one loaded model differ from another; a change of any of it needs another runner. */
export interface LoadRequest {
  readonly type: "load";
  readonly libraryDir: string;
  /** Backend libraries to load, already proved; empty: whatever the directory holds. */
  readonly backendFiles: readonly string[];
  readonly modelPath: string;
  /** A smaller model of the same vocabulary that guesses ahead. */
  readonly draft: { readonly path: string; readonly model: OffloadModel } | undefined;
  readonly adapters: readonly { readonly path: string; readonly scale: number }[];
  readonly threads: number;
  /** What an earlier runner of this model settled on. */
  readonly startThreads: number | undefined;
  /** The count was asked for (num_thread): no other is tried. */
  readonly fixedThreads: boolean;
  readonly offload: { readonly model: OffloadModel; readonly wishes: OffloadWishes };
  readonly mmap: boolean;
  readonly batch: number;
  readonly kvType: KvCacheType;
  readonly flashAttention: FlashAttention;
  /** Most tokens one sequence may hold; the engine grows towards it on demand. */
  readonly maxContext: number;
  readonly maxSequences: number;
  readonly kvBytesPerToken: number;
  /** Bytes of host memory for the states of sequences that lost their slot. */
  readonly prefixCacheBytes: number;
  /** Directory for states that outlive the process, or undefined. */
  readonly stateDir: string | undefined;
  readonly stateDirBytes: number;
  readonly embedding: boolean;
  /** Give up the network, other programs and other files before the model is read. */
  readonly caged: boolean;
  /** It scores pairs of query and document. */
  readonly ranks: boolean;
}

export interface SamplingParams {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  readonly repeatLastN: number;
  readonly repeatPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly seed: number;
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
}

export interface GenerateRequest {
  readonly type: "generate";
  readonly id: number;
  /** Text, or token ids to continue; a text after `contextTokens` follows them. */
  readonly prompt: string;
  readonly contextTokens: readonly number[];
  /** BOS and friends are added as the model wants (false where the template wrote them). */
  readonly addSpecial: boolean;
  readonly sampling: SamplingParams;
  readonly stop: readonly string[];
  /** Most tokens to generate; negative: no limit but the context. */
  readonly maxTokens: number;
  /** The context this request wants, at most the runner's. */
  readonly contextLimit: number;
  readonly numKeep: number;
  /** Cut a prompt that is too long in the middle instead of refusing it. */
  readonly cutPrompt: boolean;
  readonly shift: boolean;
  /** undefined: none; n: with n alternatives. */
  readonly logprobs: number | undefined;
  /** GBNF, already checked. */
  readonly grammar: string | undefined;
  /** The grammar begins behind this text (the end of thinking); undefined: at once. */
  readonly grammarAfter: string | undefined;
  /** Return the token ids of prompt and answer (the deprecated `context` field). */
  readonly returnTokens: boolean;
  /** Spell control tokens out instead of leaving them out of the text. */
  readonly printSpecial: boolean;
  /** Most tokens to guess ahead at a time; 0: none; undefined: as many as pay. */
  readonly draftTokens: number | undefined;
}

export interface EmbedRequest {
  readonly type: "embed";
  readonly id: number;
  readonly inputs: readonly string[];
  /** The inputs are documents to score against this; each vector is then one score. */
  readonly query: string | undefined;
  readonly truncate: boolean;
  readonly contextLimit: number;
}

export type ToRunner =
  | LoadRequest
  | GenerateRequest
  | EmbedRequest
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "tokenize"; readonly id: number; readonly text: string; readonly addSpecial: boolean }
  | { readonly type: "detokenize"; readonly id: number; readonly tokens: readonly number[] }
  | { readonly type: "measure"; readonly id: number };

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top?: readonly Omit<TokenLogprob, "top">[];
}

/** One request's share of a step: text that is safe to show (never half a character, never the start of a stop word). */
export interface Delta {
  readonly id: number;
  readonly text: string;
  readonly logprobs?: readonly TokenLogprob[];
}

/** Said once, when a request gets its sequence. */
export interface GenerateStarted {
  readonly type: "started";
  readonly id: number;
  readonly promptTokens: number;
  readonly cutTokens: number;
  readonly reusedTokens: number;
}

export interface GenerateDone {
  readonly type: "done";
  readonly id: number;
  readonly reason: "stop" | "length";
  /** The stop word that ended it, if one did. */
  readonly stopWord?: string;
  readonly promptTokens: number;
  /** Prompt tokens that had to be computed; the others came from a cache. */
  readonly evaluatedTokens: number;
  readonly generatedTokens: number;
  readonly promptMs: number;
  readonly generateMs: number;
  /** Prompt tokens cut because the context was too small, and tokens later shifted out. */
  readonly cutTokens: number;
  readonly shiftedTokens: number;
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  readonly tokens?: readonly number[];
}

export interface RunnerFacts {
  readonly backend: string;
  /** The GPUs that hold layers; empty: all is on the CPU. */
  readonly devices: readonly string[];
  readonly gpuLayers: number;
  readonly totalLayers: number;
  /** Weights on GPUs, and the share of the KV cache that lies there too. */
  readonly vramBytes: number;
  readonly vramCacheShare: number;
  readonly trainedContext: number;
  readonly maxContext: number;
  readonly maxSequences: number;
  readonly threads: number;
  readonly modelBytes: number;
  readonly canShift: boolean;
  readonly canReusePrefix: boolean;
  readonly isEmbedding: boolean;
  readonly loadMs: number;
  /** What the runner gave up. */
  readonly cage: CageReport;
}

export type FromRunner =
  | { readonly type: "ready"; readonly facts: RunnerFacts }
  /** A batch was evaluated, or one begins that may take this long. */
  | { readonly type: "alive"; readonly nextMs: number }
  /** A request that was given up is forgotten. */
  | { readonly type: "canceled" }
  | { readonly type: "load-progress"; readonly fraction: number }
  | { readonly type: "step"; readonly deltas: readonly Delta[] }
  | GenerateStarted
  | GenerateDone
  | {
      readonly type: "failed";
      readonly id: number;
      readonly fault: Fault;
      readonly message: string;
      /** The prompt had this many tokens and did not fit; the caller may shorten it. */
      readonly overflowTokens?: number;
    }
  | { readonly type: "load-failed"; readonly fault: Fault; readonly message: string }
  | { readonly type: "tokens"; readonly id: number; readonly tokens: readonly number[] }
  | { readonly type: "text"; readonly id: number; readonly text: string }
  | {
      readonly type: "embeddings";
      readonly id: number;
      readonly vectors: readonly (readonly number[])[];
      readonly tokenCounts: readonly number[];
    }
  /** A conversation's state was written to disk: the states of all models together may now be too many. */
  | { readonly type: "state-written" }
  /** The thread count found best, said when the engine rests. */
  | { readonly type: "settled"; readonly threads: number }
  | { readonly type: "measured"; readonly id: number; readonly measures: RunnerMeasures }
  | {
      readonly type: "memory";
      readonly cacheBytes: number;
      readonly contextPerSequence: number;
      readonly sequences: number;
    };

export interface RunnerMeasures {
  readonly steps: number;
  readonly stepMs: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
}
