// OpenAI's sampling fields → Ollama's options. What is not sent stays unset, so that the model's own PARAMETERs count (real
// Ollama overrides temperature and top_p with 1.0).

import { AppError } from "../../../base/errors.ts";
import type { TokenLogprob } from "../../../inference/model.ts";

interface SamplingFields {
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly seed?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly presence_penalty?: number | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly num_ctx?: number | undefined;
  readonly top_k?: number | undefined;
  readonly min_p?: number | undefined;
  readonly repeat_penalty?: number | undefined;
}

/** Named fields win over the same option inside `options`. */
export function wireOptions(
  request: SamplingFields,
  maxTokens: number | undefined,
  stop: readonly string[] | undefined,
): Record<string, unknown> {
  const { temperature, top_p, seed, frequency_penalty, presence_penalty, num_ctx, top_k, min_p, repeat_penalty } =
    request;
  const named = {
    temperature,
    top_p,
    seed,
    frequency_penalty,
    presence_penalty,
    num_ctx,
    top_k,
    min_p,
    repeat_penalty,
    num_predict: maxTokens,
    stop,
  };
  const sent = Object.entries(named).filter(([, value]) => value !== undefined);
  return { ...request.options, ...Object.fromEntries(sent) };
}

/** Go's name for a decoded JSON value, as Ollama prints it with %T. */
export function goTypeName(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}

export function stopWords(stop: unknown): string[] | undefined {
  if (stop === undefined || stop === null) return undefined;
  if (typeof stop === "string") return [stop];
  const bad = Array.isArray(stop) ? stop.find((word) => typeof word !== "string") : stop;
  if (!Array.isArray(stop) || bad !== undefined) {
    throw new AppError("invalid", `invalid type for 'stop' field: ${goTypeName(bad)}`);
  }
  return stop as string[];
}

export const MAX_ANSWERS = 16;

/** 0 is what clients send that leave nothing out. */
export function answersWanted(n: number | undefined): number {
  if (n === undefined || n === 0) return 1;
  if (n < 1 || n > MAX_ANSWERS) throw new AppError("invalid", `n must be between 1 and ${MAX_ANSWERS}`);
  return n;
}

export function logitBias(bias: Readonly<Record<string, unknown>> | undefined): [number, number][] {
  return Object.entries(bias ?? {}).map(([key, value]) => {
    if (!/^\d{1,9}$/.test(key)) throw new AppError("invalid", `logit_bias: ${JSON.stringify(key)} is no token id`);
    if (typeof value !== "number" || value < -100 || value > 100) {
      throw new AppError("invalid", `logit_bias: the bias of token ${key} must be a number between -100 and 100`);
    }
    return [Number(key), value];
  });
}

/** Answer i of several with one seed: each its own, so that they differ and can be had again. */
export function seedOf(options: { readonly seed?: number }, index: number): { seed?: number } {
  return options.seed === undefined || options.seed < 0 ? {} : { seed: options.seed + index };
}

export function openAILogprobs(logprobs: readonly TokenLogprob[]) {
  return {
    content: logprobs.map(({ token, logprob, bytes, top }) => ({
      token,
      logprob,
      bytes: [...bytes],
      top_logprobs: (top ?? []).map((other) => ({ ...other, bytes: [...other.bytes] })),
    })),
    refusal: null,
  };
}
