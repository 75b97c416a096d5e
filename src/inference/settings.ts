// Options to numbers: defaults < the model's parameters < the request (spec 2.43, 2.44).

import { AppError } from "../base/errors.ts";
import { decodeOptions, type ModelOptions } from "../api/schema/options.ts";
import type { SamplingParams } from "../runner/protocol.ts";

/** The request's options over the model's own PARAMETERs. Throws `invalid` for a value of the wrong type. */
export function mergeOptions(params: Readonly<Record<string, unknown>>, request: ModelOptions): ModelOptions {
  return { ...decodeOptions(params), ...request };
}

/** Throws `invalid` for a penalty that leaves no order among the tokens. */
export function samplingParams(options: ModelOptions, logitBias: SamplingParams["logitBias"]): SamplingParams {
  if ((options.repeat_penalty ?? 1) <= 0) throw new AppError("invalid", "repeat_penalty must be greater than 0");
  return {
    temperature: options.temperature ?? 0.8,
    topK: options.top_k ?? 40,
    topP: options.top_p ?? 0.9,
    minP: options.min_p ?? 0,
    // 0 is off, as in Ollama, which does not pass it on.
    typicalP: options.typical_p === 0 ? 1 : (options.typical_p ?? 1),
    repeatLastN: options.repeat_last_n ?? 64,
    repeatPenalty: options.repeat_penalty ?? 1,
    presencePenalty: options.presence_penalty ?? 0,
    frequencyPenalty: options.frequency_penalty ?? 0,
    seed: options.seed ?? -1,
    logitBias,
  };
}

const SMALLEST_CONTEXT = 4;
/** Ollama ends an unlimited answer at ten contexts (llm/llama_server.go). */
const CONTEXTS_PER_ANSWER = 10;

/** Tokens of context this request may use: num_ctx, else the configured default, else all there is. */
export function contextLimit(options: ModelOptions, defaultContext: number, available: number): number {
  const wished =
    options.num_ctx === undefined || options.num_ctx <= 0
      ? defaultContext
      : Math.max(options.num_ctx, SMALLEST_CONTEXT);
  return wished > 0 ? Math.min(wished, available) : available;
}

/** num_predict: 0 and below mean "until it ends" (spec 2.44), bounded all the same. */
export function maxTokens(options: ModelOptions, context: number): number {
  const wished = options.num_predict ?? -1;
  const most = CONTEXTS_PER_ANSWER * context;
  return wished > 0 ? Math.min(wished, most) : most;
}
