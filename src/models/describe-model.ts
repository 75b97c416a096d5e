// What `create` writes down about a new model, so that lists need not open its weights.

import type { CreateRequest } from "../api/schema/models.ts";
import { AppError } from "../base/errors.ts";
import type { GgufFacts } from "../formats/gguf/facts.ts";
import type { ImageConfig } from "./image-config.ts";
import { type Layer, layerKind } from "./manifest.ts";
import { stringList } from "./request-texts.ts";

export interface Draft {
  readonly layer: Layer;
  readonly facts?: GgufFacts;
  /** Status line instead of "using existing layer". */
  readonly status?: string;
  readonly isNew?: boolean;
  /** Text that becomes a blob when everything else is known to be right. */
  readonly content?: string;
  /** The quantization level it was written at already. */
  readonly level?: string;
}

/** Families whose prompts and answers have code here, and where their turns end. */
export const BUILT_IN: Readonly<Record<string, { renderer: string; parser: string; stop?: readonly string[] }>> = {
  gemma4: { renderer: "gemma4", parser: "gemma4", stop: ["<turn|>"] },
  laguna: { renderer: "laguna", parser: "laguna" },
  nemotron_h: { renderer: "nemotron-3-nano", parser: "nemotron-3-nano" },
  nemotron_h_moe: { renderer: "nemotron-3-nano", parser: "nemotron-3-nano" },
  nemotron_h_omni: { renderer: "nemotron-3-nano", parser: "nemotron-3-nano" },
};

/** The config blob: what the weights say, under what the request overrides. */
export function describeModel(drafts: readonly Draft[], base: ImageConfig, request: CreateRequest): ImageConfig {
  const info = request.info ?? {};
  const text = (key: string): string => {
    const value = info[key];
    if (value !== undefined && typeof value !== "string")
      throw new AppError("invalid", `info field "${key}" must be a string`);
    return value ?? "";
  };
  const count = (key: string): number => {
    const value = info[key];
    if (value === undefined) return 0;
    if (typeof value !== "number") throw new AppError("invalid", `info field "${key}" must be a number`);
    if (!Number.isSafeInteger(value) || value < 0)
      throw new AppError("invalid", `info field "${key}" must be a non-negative integer`);
    return value;
  };
  const weights = drafts.find(({ layer }) => layerKind(layer) === "model")?.facts;
  const builtIn = BUILT_IN[weights?.architecture ?? ""];
  const capabilities = [...(base.capabilities ?? []), ...stringList(info["capabilities"])];
  const families = drafts.flatMap(({ layer, facts }) =>
    layerKind(layer) === "model" && facts !== undefined ? [facts.architecture] : [],
  );
  const config = {
    model_format: base.model_format === "" ? (weights === undefined ? "" : "gguf") : base.model_format,
    model_family: text("model_family") || (weights?.architecture ?? ""),
    model_families: text("model_family") === "" ? families : [text("model_family"), ...families],
    model_type: text("parameter_size") || (weights?.parameterSize ?? ""),
    file_type: text("quantization_level") || (weights?.fileType ?? ""),
    renderer: request.renderer ?? base.renderer ?? builtIn?.renderer ?? "",
    parser: request.parser ?? base.parser ?? builtIn?.parser ?? "",
    requires: request.requires ?? base.requires ?? "",
    capabilities,
    context_length: count("context_length"),
    embedding_length: count("embedding_length"),
    base_name: text("base_name"),
    ...(base.remote_host === undefined ? {} : { remote_host: base.remote_host }),
    ...(base.remote_model === undefined ? {} : { remote_model: base.remote_model }),
  };
  return config;
}
