// The fields that generate and chat share, from the wire to what a model is asked with. Messages are Ollama's.

import { checkBase64, keepAliveMs, thinkWish } from "../api/go-types.ts";
import { decodeOptions } from "../api/schema/options.ts";
import { AppError } from "../base/errors.ts";
import { goQuote } from "../base/go-text.ts";
import type { Think } from "../chat/dialog-format.ts";
import type { AnswerFormat, AskableModel, AskSettings, ModelAbilities } from "../inference/model.ts";

interface SharedFields {
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly format?: unknown;
  readonly grammar?: string | undefined;
  readonly keep_alive?: unknown;
  readonly logprobs?: boolean | undefined;
  readonly top_logprobs?: number | undefined;
  readonly truncate?: boolean | undefined;
  readonly shift?: boolean | undefined;
}

export function checkTopLogprobs(value: number | undefined): void {
  if (value !== undefined && (value < 0 || value > 20)) {
    throw new AppError("invalid", "top_logprobs must be between 0 and 20");
  }
}

export function askSettings(request: SharedFields): AskSettings {
  return {
    options: decodeOptions(request.options),
    format: answerFormat(request.format, request.grammar),
    logitBias: [],
    logprobs: request.logprobs === true ? (request.top_logprobs ?? 0) : undefined,
    truncate: request.truncate ?? true,
    shift: request.shift ?? true,
    keepAliveMs: keepAliveMs(request.keep_alive),
  };
}

export function answerFormat(format: unknown, grammar: string | undefined): AnswerFormat {
  if (grammar !== undefined && grammar !== "") return { kind: "grammar", grammar };
  if (format === undefined || format === null || format === "") return { kind: "free" };
  if (format === "json") return { kind: "json" };
  if (typeof format === "object" && !Array.isArray(format))
    return { kind: "schema", schema: format as Record<string, unknown> };
  throw new AppError(
    "invalid",
    `invalid format: ${goQuote(JSON.stringify(format))}; expected "json" or a valid JSON Schema object`,
  );
}

/**
 * Unset means on for a model that can think (spec 2.33). Throws `invalid` for on with a model that cannot, naming it as
 * it was sent.
 */
export function thinkOf(value: unknown, abilities: ModelAbilities, sentName: string): Think {
  const wish = thinkWish(value);
  if (abilities.thinking === "unknown" && wish === undefined) return { set: false, on: true };
  const on = wish === undefined ? abilities.thinking === true : wish !== false;
  if (on && !abilities.thinking) throw new AppError("invalid", `${goQuote(sentName)} does not support thinking`);
  const level = typeof wish === "string" ? { level: wish } : {};
  return { set: wish !== undefined || abilities.thinking === true, on, ...level };
}

/** Models of this machine take none: no vision library is in this build (docs/differences.md). */
export function checkImages(
  images: readonly string[] | undefined,
  { abilities, remote }: Pick<AskableModel, "abilities" | "remote">,
  sentName: string,
): void {
  for (const image of images ?? []) checkBase64(image);
  if (images === undefined || images.length === 0 || abilities.vision !== false) return;
  const why =
    remote === undefined ? "this build runs text models only" : `${remote.remote_host} serves it as a text model`;
  throw new AppError("invalid", `${goQuote(sentName)} cannot be given images: ${why}`);
}
