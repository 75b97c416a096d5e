// `create`: from an existing model or uploaded GGUF blobs to a new manifest. Nothing is written before everything has
// been checked, and the manifest comes last, so a failed create leaves no model behind.

import { basename } from "node:path/posix";
import { type Digest, digestOf, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { goJsonLine } from "../base/go-encode.ts";
import { detectKnownTemplate } from "../chat/go-template/known-template.ts";
import type { CreateRequest, ProgressResponse } from "../api/schema/models.ts";
import { ggufFacts, type GgufFacts } from "../formats/gguf/facts.ts";
import { ggufKind, type GgufKind } from "../formats/gguf/kind.ts";
import { quantizeLevel } from "../formats/gguf/quantization.ts";
import { validateGguf } from "../formats/gguf/validate.ts";
import { adapterScales, checkAdapter } from "./adapter-layers.ts";
import { withGguf } from "./gguf-file.ts";
import { type Convert, convertCheckpoint, isCheckpoint, refusePickles } from "./from-checkpoint.ts";
import { BUILT_IN, describeModel, type Draft } from "./describe-model.ts";
import { emptyConfig, encodeImageConfig, type ImageConfig, parseImageConfig } from "./image-config.ts";
import { CONFIG_TYPE, encodeManifest, type Layer, layerKind, type LayerKind, mediaTypeOf } from "./manifest.ts";
import { mergeShards } from "./merge-shards.ts";
import { ModelName } from "./name.ts";
import { type Quantize, quantizeLayer } from "./quantize-layer.ts";
import { remoteOf } from "./remote-source.ts";
import { checkTemplate, licensesOf } from "./request-texts.ts";
import type { ModelStore } from "./store.ts";

export interface CreateContext {
  readonly store: ModelStore;
  /** Fetches a model that `from` names and that is not here. */
  readonly pull: (name: ModelName, signal: AbortSignal) => AsyncIterable<ProgressResponse>;
  /** Undefined where there is no engine. */
  readonly quantize?: Quantize | undefined;
  /** Writes a GGUF made of safetensors; undefined where this build cannot. */
  readonly convert?: Convert;
}

/** Checks what can be checked before a stream starts. Throws `invalid` in Ollama's words. */
export function checkCreateRequest(request: CreateRequest): ModelName {
  for (const files of [request.files, request.draft_files]) {
    for (const [path, digest] of Object.entries(files ?? {})) {
      if (!isRelativePath(path)) throw new AppError("invalid", "file path must be relative");
      if (digest === "") throw new AppError("invalid", "invalid digest format");
    }
  }
  for (const digest of Object.values(request.adapters ?? {})) {
    if (digest === "") throw new AppError("invalid", "invalid digest format");
  }
  remoteOf(request);
  return ModelName.parse(request.model ?? request.name ?? "");
}

/** io/fs.ValidPath: no root, no empty, "." or ".." element. */
function isRelativePath(path: string): boolean {
  if (path === "." || path.includes("\\") || path.includes("\0")) return path === ".";
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

export async function* createModel(
  context: CreateContext,
  request: CreateRequest,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store } = context;
  const name = checkCreateRequest(request);
  const before = await store.find(name);
  const wanted = request.quantize || request.quantization || "";
  const level = wanted === "" ? "" : quantizeLevel(wanted).name;
  let base: { drafts: Draft[]; config: ImageConfig };
  const remote = remoteOf(request);
  if (remote !== undefined) base = { drafts: [], config: { ...emptyConfig, ...remote } };
  else if (request.from !== undefined && request.from !== "") base = yield* fromModel(context, request.from, signal);
  else if (request.files !== undefined)
    base = { drafts: yield* fromModelFiles(context, request.files, level, signal), config: emptyConfig };
  else throw new AppError("invalid", "neither 'from' or 'files' was specified");
  const adapters = request.adapters ?? {};
  if (request.adapters !== undefined) base.drafts.push(...(yield* fromFiles(store, adapters, "adapter", signal)));
  checkAdapters(store, base.drafts);
  if (request.draft_files !== undefined)
    base.drafts.push(...(yield* fromFiles(store, request.draft_files, "draft", signal)));
  if (level !== "") yield* quantizeDrafts(context, base.drafts, level, signal);
  const scales = { ...base.config.adapter_scales, ...adapterScales(adapters, request.adapter_scales) };
  const config = { ...describeModel(base.drafts, base.config, request), adapter_scales: scales };
  const drafts = await withRequested(store, base.drafts, request, config);
  for (const { status, layer, isNew } of drafts) {
    yield { status: status ?? `${isNew === true ? "creating new" : "using existing"} layer ${layer.digest}` };
  }
  signal.throwIfAborted();
  yield { status: "writing manifest" };
  await store.exclusively(() => writeModel(store, name, drafts, config));
  const old = before === undefined ? [] : [before.manifest.config, ...before.manifest.layers];
  const sent = Object.values(request.files ?? {}).map(parseDigest);
  await store.removeUnused([...old.map((layer) => layer.digest), ...sent]);
  yield { status: "success" };
}

/** Blobs first, the manifest last. Nothing can be removed in between, so what is there now is there for the new name. */
async function writeModel(
  store: ModelStore,
  name: ModelName,
  drafts: readonly Draft[],
  config: ImageConfig,
): Promise<void> {
  for (const { layer, content } of drafts) {
    if (content !== undefined) await store.blobs.put(content);
    else if (!(await store.blobs.has(layer.digest)))
      throw new AppError("invalid", `blob "${layer.digest}" was removed meanwhile; create the model again`);
  }
  const { digest, size } = await store.blobs.put(encodeImageConfig(config));
  const manifest = { config: { mediaType: CONFIG_TYPE, digest, size }, layers: drafts.map(({ layer }) => layer) };
  await store.writeRaw(name, encodeManifest(manifest));
}

async function* fromModel(
  { store, pull }: CreateContext,
  from: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, { drafts: Draft[]; config: ImageConfig }, undefined> {
  const name = ModelName.parse(from);
  if ((await store.find(name)) === undefined) yield* pull(name, signal);
  const source = await store.find(name);
  if (source === undefined) throw new AppError("not-found", `model '${from}' not found`);
  const { config, layers } = source.manifest;
  const baseConfig = (await store.blobs.has(config.digest))
    ? parseImageConfig(await store.blobs.readText(config.digest))
    : emptyConfig;
  const drafts: Draft[] = [];
  for (const { mediaType, digest, name: layerName } of layers) {
    const size = await store.blobs.size(digest);
    if (size === undefined)
      throw new AppError("not-found", `the weights of ${name.display} are missing; pull it again`);
    await store.blobs.touch(digest);
    const layer: Layer = {
      mediaType,
      digest,
      size,
      from: source.name.display,
      ...(layerName === undefined ? {} : { name: layerName }),
    };
    const facts = layerKind(layer) === "model" ? inspect(store, digest).facts : undefined;
    drafts.push({ layer, ...(facts === undefined ? {} : { facts }) });
  }
  const { renderer, parser, requires, model_format, capabilities, adapter_scales, remote_host, remote_model } =
    baseConfig;
  const kept = Object.fromEntries(
    Object.entries({ renderer, parser, requires, capabilities, adapter_scales, remote_host, remote_model }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return { drafts, config: { ...emptyConfig, model_format, ...kept } };
}

/** Opens a blob and refuses with the reason what must not reach native code. */
function inspect(store: ModelStore, digest: Digest): { facts: GgufFacts; kind: GgufKind } {
  return withGguf(store.blobs.path(digest), (gguf) => {
    validateGguf(gguf);
    return { facts: ggufFacts(gguf), kind: ggufKind(gguf) };
  });
}

async function* fromModelFiles(
  { store, convert }: CreateContext,
  files: Readonly<Record<string, string>>,
  level: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, Draft[], undefined> {
  if (!isCheckpoint(files)) return yield* fromFiles(store, files, undefined, signal);
  if (convert === undefined) throw new AppError("unsupported", "this build cannot import safetensors");
  const converted = yield* convertCheckpoint(store, convert, files, level, signal);
  const { facts } = inspect(store, converted.layer.digest);
  const drafts: Draft[] = [{ layer: converted.layer, facts, isNew: true, level: converted.level }];
  if (facts.chatTemplate !== undefined) drafts.push(...(await detectedTemplate(store, facts.chatTemplate)));
  const { parameters } = converted;
  const hasParameters = Object.keys(parameters).length > 0;
  if (hasParameters) drafts.push(await newLayer(store, "params", goJsonLine(parameters, { sortKeys: true })));
  return drafts;
}

const GGUF_NEEDED = {
  adapter: "an adapter must be a GGUF file, not safetensors; llama.cpp's convert_lora_to_gguf.py converts a LoRA",
  draft: "a draft model must be a GGUF file, not safetensors; 'ollama create' converts it to a model of its own first",
} as const;

async function* fromFiles(
  store: ModelStore,
  files: Readonly<Record<string, string>>,
  as: "adapter" | "draft" | undefined,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, Draft[], undefined> {
  const entries = Object.entries(files);
  if (entries.length === 0) throw new AppError("invalid", "no files provided to convert");
  if (entries.some(([path]) => path.endsWith(".safetensors"))) {
    throw new AppError("unsupported", GGUF_NEEDED[as ?? "adapter"]);
  }
  refusePickles(entries.map(([path]) => path));
  // The first line of a stream comes before what may fail, as in Ollama: errors are its last line.
  yield { status: "parsing GGUF" };
  const drafts: Draft[] = [];
  const blobs = entries.map(([path, text]) => ({ name: basename(path), digest: parseDigest(text) }));
  for (const { digest } of blobs) {
    if (!(await store.blobs.has(digest))) throw new AppError("invalid", `blob "${digest}" was not uploaded`);
  }
  for (const { digest } of yield* mergeShards(store.blobs, blobs, signal)) {
    const size = (await store.blobs.size(digest)) ?? 0;
    const { facts, kind } = inspect(store, digest);
    await store.blobs.touch(digest);
    const layer: Layer = { mediaType: mediaTypeOf(as ?? kind), digest, size };
    drafts.push({ layer, facts });
    if (as === undefined && kind === "model" && facts.chatTemplate !== undefined) {
      drafts.push(...(await detectedTemplate(store, facts.chatTemplate)));
    }
  }
  if (as === undefined && !drafts.some(({ layer }) => layerKind(layer) === "model")) {
    throw new AppError("invalid", "none of the files is a model");
  }
  return drafts;
}

/** Those of the request and those of a model that it builds on, against the weights they will be loaded with. */
function checkAdapters(store: ModelStore, drafts: readonly Draft[]): void {
  const path = ({ layer }: Draft) => store.blobs.path(layer.digest);
  const weights = drafts.find(({ layer }) => layerKind(layer) === "model");
  for (const draft of drafts) {
    if (layerKind(draft.layer) !== "adapter") continue;
    if (weights === undefined) throw new AppError("invalid", "an adapter needs a model: name one with FROM");
    checkAdapter(path(weights), path(draft));
  }
}

async function detectedTemplate(store: ModelStore, chatTemplate: string): Promise<Draft[]> {
  const known = detectKnownTemplate(chatTemplate);
  if (known === undefined) return [];
  const template = await newLayer(store, "template", known.template);
  const drafts: Draft[] = [{ ...template, status: `using autodetected template ${known.name}` }];
  if (known.stop.length > 0) drafts.push(await newLayer(store, "params", goJsonLine({ stop: known.stop })));
  return drafts;
}

async function newLayer(store: ModelStore, kind: LayerKind, content: string): Promise<Draft> {
  const digest = digestOf(content);
  const isNew = !(await store.blobs.has(digest));
  return { layer: { mediaType: mediaTypeOf(kind), digest, size: Buffer.byteLength(content) }, isNew, content };
}

/** Adapters and projectors stay as they are, as in Ollama. */
async function* quantizeDrafts(
  { store, quantize }: CreateContext,
  drafts: Draft[],
  level: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  for (const [i, draft] of drafts.entries()) {
    if (layerKind(draft.layer) !== "model" || draft.facts === undefined) continue;
    if (draft.level === level) continue;
    const source = { layer: draft.layer, fileType: draft.facts.fileType };
    const layer = yield* quantizeLayer(store.blobs, quantize, source, level, signal);
    if (layer !== draft.layer) drafts[i] = { layer, facts: inspect(store, layer.digest).facts, isNew: true };
  }
}

/** Adds the layers that the request itself brings: template, system, licenses, parameters, messages. */
async function withRequested(
  store: ModelStore,
  base: readonly Draft[],
  request: CreateRequest,
  config: ImageConfig,
): Promise<Draft[]> {
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
    const messages = request.messages.map(({ role = "", content = "" }) => ({ role, content }));
    await replace("messages", goJsonLine(messages));
  }
  return drafts;
}
