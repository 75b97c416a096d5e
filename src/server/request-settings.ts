// The fields that generate and chat share, from the wire to what a model is asked with. Messages are Ollama's.

import { decodeOptions } from "../api/schema/options.ts";
import { parseDuration } from "../base/duration.ts";
import { AppError } from "../base/errors.ts";
import { goJson } from "../base/go-encode.ts";
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

/** A number is seconds, a string a Go duration; negative is for ever (spec 2.45). */
export function keepAliveMs(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  if (typeof value === "string") {
    const ms = Number(parseDuration(value)) / 1e6;
    return ms < 0 ? Number.POSITIVE_INFINITY : ms;
  }
  // As Go names what encoding/json made of it (api/types.go, Duration).
  const type =
    typeof value === "boolean" ? "bool" : Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
  throw new AppError("invalid", `Unsupported type: '${type}'`);
}

export function answerFormat(format: unknown, grammar: string | undefined): AnswerFormat {
  if (grammar !== undefined && grammar !== "") return { kind: "grammar", grammar };
  if (format === undefined || format === null || format === "") return { kind: "free" };
  if (format === "json") return { kind: "json" };
  if (typeof format === "object" && !Array.isArray(format))
    return { kind: "schema", schema: format as Record<string, unknown> };
  throw new AppError(
    "invalid",
    `invalid format: ${JSON.stringify(JSON.stringify(format))}; expected "json" or a valid JSON Schema object`,
  );
}

const LEVELS = ["low", "medium", "high", "max"] as const;

/**
 * Unset means on for a model that can think (spec 2.33). Throws `invalid` for on with a model that cannot, naming it as
 * it was sent.
 */
export function thinkOf(value: unknown, abilities: ModelAbilities, sentName: string): Think {
  const level = LEVELS.find((word) => word === value);
  if (value !== undefined && typeof value !== "boolean" && level === undefined) {
    const quoted = typeof value === "string" ? JSON.stringify(value) : goJson(value);
    throw new AppError(
      "invalid",
      `invalid think value: ${quoted} (must be "high", "medium", "low", "max", true, or false)`,
    );
  }
  if (abilities.thinking === "unknown" && value === undefined) return { set: false, on: true };
  const on = value === undefined ? abilities.thinking === true : value !== false;
  if (on && !abilities.thinking) throw new AppError("invalid", `${JSON.stringify(sentName)} does not support thinking`);
  return { set: value !== undefined || abilities.thinking === true, on, ...(level === undefined ? {} : { level }) };
}

/** Models of this machine take none: no vision library is in this build (docs/differences.md). */
export function checkImages(
  images: readonly string[] | undefined,
  { abilities, remote }: Pick<AskableModel, "abilities" | "remote">,
  sentName: string,
): void {
  for (const image of images ?? []) {
    const at = firstBadBase64(image);
    if (at >= 0) throw new AppError("invalid", `illegal base64 data at input byte ${at}`);
  }
  if (images === undefined || images.length === 0 || abilities.vision !== false) return;
  const why =
    remote === undefined ? "this build runs text models only" : `${remote.remote_host} serves it as a text model`;
  throw new AppError("invalid", `${JSON.stringify(sentName)} cannot be given images: ${why}`);
}

function firstBadBase64(text: string): number {
  const bad = /[^A-Za-z0-9+/=\r\n]/.exec(text);
  if (bad !== null) return bad.index;
  return text.replace(/[\r\n]/g, "").length % 4 === 0 ? -1 : Math.max(0, text.length - 1);
}
