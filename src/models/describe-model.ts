// What a request to create a model says beyond its weights: the config blob, and the layers of text.

import type { CreateRequest } from "../api/schema/models.ts";
import { AppError } from "../base/errors.ts";
import { goJsonLine } from "../base/go-encode.ts";
import { type DraftLayer, newLayer } from "./draft-layer.ts";
import type { ImageConfig } from "./image-config.ts";
import { layerKind, type LayerKind } from "./manifest.ts";
import { checkTemplate, licensesOf, stringList } from "./request-texts.ts";
import type { ModelStore } from "./store.ts";

const BUILT_IN: Readonly<Record<string, { renderer: string; parser: string; stop?: readonly string[] }>> = {
  gemma4: { renderer: "gemma4", parser: "gemma4", stop: ["<turn|>"] },
  laguna: { renderer: "laguna", parser: "laguna" },
  nemotron_h: { renderer: "nemotron-3-nano", parser: "nemotron-3-nano" },
  nemotron_h_moe: { renderer: "nemotron-3-nano", parser: "nemotron-3-nano" },
  nemotron_h_omni: { renderer: "nemotron-3-nano", parser: "nemotron-3-nano" },
};

/** The config blob: what the weights say, under what the request overrides. */
export function describeModel(drafts: readonly DraftLayer[], base: ImageConfig, request: CreateRequest): ImageConfig {
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
  const factsOf = (kind: LayerKind) => drafts.find(({ layer }) => layerKind(layer) === kind)?.facts;
  const weights = factsOf("model");
  const draft = factsOf("draft");
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
    ...(draft === undefined ? {} : { draft: { model_format: "gguf", architecture: draft.architecture } }),
    ...(base.remote_host === undefined ? {} : { remote_host: base.remote_host }),
    ...(base.remote_model === undefined ? {} : { remote_model: base.remote_model }),
  };
  return config;
}

/** Adds the layers that the request itself brings: template, system, licenses, parameters, messages. */
export async function requestedLayers(
  store: ModelStore,
  base: readonly DraftLayer[],
  request: CreateRequest,
  config: ImageConfig,
): Promise<DraftLayer[]> {
  let drafts = [...base];
  const replace = async (kind: LayerKind, content: string): Promise<void> => {
    drafts = drafts.filter(({ layer }) => layerKind(layer) !== kind);
    drafts.push(await newLayer(store, kind, content));
  };
  if (request.template !== undefined && request.template !== "") {
    checkTemplate(request.template);
    await replace("template", request.template);
  }
  if (request.system !== undefined && request.system !== "") await replace("system", request.system);
  for (const license of licensesOf(request.license)) drafts.push(await newLayer(store, "license", license));
  const params = { ...request.parameters };
  const stop = BUILT_IN[config.model_family]?.stop;
  if (stop !== undefined && params["stop"] === undefined) params["stop"] = stop;
  for (const { layer, content } of drafts) {
    if (layerKind(layer) !== "params") continue;
    const existing: unknown = JSON.parse(content ?? (await store.blobs.readText(layer.digest)));
    if (typeof existing === "object" && existing !== null)
      for (const [key, value] of Object.entries(existing)) params[key] ??= value;
  }
  if (Object.keys(params).length > 0) await replace("params", goJsonLine(params, { sortKeys: true }));
  if (request.messages !== undefined && request.messages.length > 0) {
    const messages = request.messages.map(({ role = "", content = "" }) => ({ role: role.toLowerCase(), content }));
    await replace("messages", goJsonLine(messages));
  }
  return drafts;
}
