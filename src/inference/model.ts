// A model that can be asked, whatever serves it. The local runner is one kind; an engine elsewhere is another. Routes of
// every dialect are translations to and from these types.

import type { ModelOptions } from "../api/schema/options.ts";
import type { Think } from "../chat/dialog-format.ts";
import type { ChatMessage, ToolDefinition } from "../chat/message.ts";

export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

/** What constrains the form of an answer. */
export type AnswerFormat =
  | { readonly kind: "free" }
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: Readonly<Record<string, unknown>> }
  | { readonly kind: "grammar"; readonly grammar: string };

/** What an answer or an embedding took. */
export interface SpentTokens {
  readonly model: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  /** False: broken off, so that these are estimates that no reply told. */
  readonly complete: boolean;
}

/** Who asks, as far as sharing goes. */
export interface Asker {
  /** Requests of one asker take turns with those of others. */
  readonly id: string;
  /** To be called once at the end of each answer and embedding, also of one that was broken off. */
  used(spent: SpentTokens): void;
  /** Told before the first event of an answer whose prompt lost so many tokens because the context was too small. */
  shortened(tokens: number): void;
}

export interface AskSettings {
  /** The request's own options; the model's parameters fill what it leaves open. */
  readonly options: ModelOptions;
  readonly format: AnswerFormat;
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** Alternatives to report with each token; undefined: no log-probabilities. */
  readonly logprobs: number | undefined;
  /** Shorten a prompt that does not fit instead of refusing it. */
  readonly truncate: boolean;
  readonly shift: boolean;
  /** Milliseconds; Infinity: for ever; undefined: as before. */
  readonly keepAliveMs: number | undefined;
  /** Another answer to the same prompt, in the same request, pays for the prompt. */
  readonly promptIsShared?: boolean;
}

export interface ChatQuestion extends AskSettings {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  /** Whether an enforced choice may bring more than one call. */
  readonly parallelToolCalls: boolean;
  readonly think: Think;
}

export interface PromptQuestion extends AskSettings {
  readonly prompt: string;
  /** Text after the gap to fill ("" for none). */
  readonly suffix: string;
  readonly system: string;
  /** A Go template that replaces the model's. */
  readonly template: string | undefined;
  /** Token ids that an earlier answer returned. */
  readonly context: readonly number[] | undefined;
  /** The prompt as it stands, no template. */
  readonly raw: boolean;
  /** In base64. */
  readonly images?: readonly string[];
  readonly think: Think;
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top?: readonly { readonly token: string; readonly logprob: number; readonly bytes: readonly number[] }[];
}

export interface ToolCall {
  readonly id: string;
  readonly index: number;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface Usage {
  readonly promptTokens: number;
  /** Of these, how many came from a cache. */
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  readonly promptMs: number;
  readonly generateMs: number;
  readonly loadMs: number;
  readonly totalMs: number;
  /** Prompt tokens left out because the context was too small, and tokens shifted out of it later. */
  readonly truncatedTokens: number;
  readonly shiftedTokens: number;
  /** Tokens guessed ahead, and how many of them were right; absent where the engine does not tell. */
  readonly draftedTokens?: number;
  readonly acceptedTokens?: number;
}

export type AnswerEvent =
  | { readonly type: "text-delta"; readonly text: string; readonly logprobs?: readonly TokenLogprob[] }
  | { readonly type: "thinking-delta"; readonly text: string; readonly logprobs?: readonly TokenLogprob[] }
  | { readonly type: "tool-call"; readonly call: ToolCall }
  | {
      readonly type: "done";
      readonly reason: "stop" | "length";
      readonly stopWord: string | undefined;
      readonly usage: Usage;
      /** Token ids of prompt and answer, for the deprecated `context` field. */
      readonly context: readonly number[] | undefined;
      /** Something looked like a tool call and could not be read; it came as text. */
      readonly malformedToolCall: boolean;
    };

export interface EmbedQuestion {
  readonly inputs: readonly string[];
  readonly truncate: boolean;
  readonly options: ModelOptions;
  readonly keepAliveMs: number | undefined;
}

export interface Embeddings {
  readonly vectors: readonly (readonly number[])[];
  readonly promptTokens: number;
  readonly loadMs: number;
  readonly totalMs: number;
}

export interface RerankQuestion {
  readonly query: string;
  readonly documents: readonly string[];
  readonly options: ModelOptions;
  readonly keepAliveMs: number | undefined;
}

export interface Ranking {
  /** How well each document answers the query, from 0 to 1; in the order of the documents. */
  readonly scores: readonly number[];
  readonly promptTokens: number;
}

export interface ModelAbilities {
  readonly completion: boolean;
  readonly tools: boolean;
  /** "unknown": an engine elsewhere does not say; it is passed what was asked for. */
  readonly thinking: boolean | "unknown";
  readonly insert: boolean;
  /** Whether it can be given images; "unknown" as for thinking. */
  readonly vision: boolean | "unknown";
  readonly embedding: boolean;
  readonly rerank: boolean;
}

/** Everything takes a signal: the client gone means the work ends. */
export interface AskableModel {
  /** "registry.ollama.ai/library/x:latest", as some errors name it. */
  readonly fullName: string;
  readonly abilities: ModelAbilities;
  chat(question: ChatQuestion, signal: AbortSignal): AsyncIterable<AnswerEvent>;
  complete(question: PromptQuestion, signal: AbortSignal): AsyncIterable<AnswerEvent>;
  embed(question: EmbedQuestion, signal: AbortSignal): Promise<Embeddings>;
  rerank(question: RerankQuestion, signal: AbortSignal): Promise<Ranking>;
  /** Who answers in its stead, as Ollama notes it in every chunk. */
  readonly remote?: { readonly remote_model: string; readonly remote_host: string };
  /** The prompt that would be sent, for debugging. */
  renderChat(question: ChatQuestion): string;
  renderPrompt(question: PromptQuestion): string;
  /** How many tokens the conversation is as a prompt. */
  countChat(question: ChatQuestion, signal: AbortSignal): Promise<number>;
  tokenize(text: string, signal: AbortSignal): Promise<readonly number[]>;
  detokenize(tokens: readonly number[], signal: AbortSignal): Promise<string>;
  /** Makes it resident. */
  load(options: ModelOptions, keepAliveMs: number | undefined, signal: AbortSignal): Promise<void>;
  /** Unloads as soon as nothing uses it. */
  unload(): void;
}
