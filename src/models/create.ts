// `create`: from an existing model or uploaded GGUF blobs to a new manifest. Nothing is written before everything has
// been checked, and the manifest comes last, so a failed create leaves no model behind.

import type { CreateRequest, ProgressResponse } from "../api/schema/models.ts";
import { type Digest, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { quantizeLevel } from "../formats/gguf/quantization.ts";
import { adapterScales } from "./adapter-layers.ts";
import { describeModel, requestedLayers } from "./describe-model.ts";
import { type DraftLayer, inspect } from "./draft-layer.ts";
import type { Convert } from "./from-checkpoint.ts";
import { emptyConfig, encodeImageConfig, type ImageConfig, parseImageConfig } from "./image-config.ts";
import { adapterLayers } from "./layers-of-adapters.ts";
import { checkAdapters, fromFiles, fromModelFiles } from "./layers-of-files.ts";
import { CONFIG_TYPE, encodeManifest, type Layer, layerKind } from "./manifest.ts";
import { ModelName } from "./name.ts";
import { type Quantize, quantizeLayer } from "./quantize-layer.ts";
import { remoteOf } from "./remote-source.ts";
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
  if (request.draft_quantize && Object.keys(request.draft_files ?? {}).length === 0) {
    throw new AppError("invalid", "--draft-quantize requires a DRAFT model");
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
  const made = new Set<Digest>();
  try {
    yield* makeModel(context, request, made, signal);
  } finally {
    // A step on the way to the model, or all of it when it was refused or canceled: as large as the model itself.
    await context.store.removeUnused([...made]);
  }
}

async function* makeModel(
  context: CreateContext,
  request: CreateRequest,
  made: Set<Digest>,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store } = context;
  const note = (drafts: readonly DraftLayer[]): void => {
    for (const { layer, isNew, content } of drafts) if (isNew === true && content === undefined) made.add(layer.digest);
  };
  const name = checkCreateRequest(request);
  const before = await store.find(name);
  const wanted = request.quantize || request.quantization || "";
  const level = wanted === "" ? "" : quantizeLevel(wanted).name;
  const draftLevel = request.draft_quantize ? quantizeLevel(request.draft_quantize).name : "";
  let base: { drafts: DraftLayer[]; config: ImageConfig };
  const remote = remoteOf(request);
  if (remote !== undefined) base = { drafts: [], config: { ...emptyConfig, ...remote } };
  else if (request.from !== undefined && request.from !== "") base = yield* fromModel(context, request.from, signal);
  else if (request.files !== undefined)
    base = { drafts: yield* fromModelFiles(context, request.files, level, signal), config: emptyConfig };
  else throw new AppError("invalid", "neither 'from' or 'files' was specified");
  note(base.drafts);
  const adapters =
    request.adapters === undefined ? undefined : yield* adapterLayers(context, request.adapters, base.drafts, signal);
  base.drafts.push(...(adapters?.drafts ?? []));
  note(base.drafts);
  checkAdapters(store, base.drafts);
  if (request.draft_files !== undefined)
    base.drafts.push(...(yield* fromFiles(store, request.draft_files, "draft", signal)));
  if (level !== "") yield* quantizeDrafts(context, base.drafts, "model", level, signal);
  if (draftLevel !== "") yield* quantizeDrafts(context, base.drafts, "draft", draftLevel, signal);
  note(base.drafts);
  const scales = { ...base.config.adapter_scales, ...adapterScales(adapters?.digests ?? {}, request.adapter_scales) };
  const config = { ...describeModel(base.drafts, base.config, request), adapter_scales: scales };
  const drafts = await requestedLayers(store, base.drafts, request, config);
  for (const { status, layer, isNew } of drafts) {
    yield { status: status ?? `${isNew === true ? "creating new" : "using existing"} layer ${layer.digest}` };
  }
  signal.throwIfAborted();
  yield { status: "writing manifest" };
  await store.exclusively(() => writeModel(store, name, drafts, config));
  const old = before === undefined ? [] : [before.manifest.config, ...before.manifest.layers];
  const sent = [request.files, request.adapters].flatMap((files) => Object.values(files ?? {}).map(parseDigest));
  await store.removeUnused([...old.map((layer) => layer.digest), ...sent]);
  yield { status: "success" };
}

/** Blobs first, the manifest last. Nothing can be removed in between, so what is there now is there for the new name. */
async function writeModel(
  store: ModelStore,
  name: ModelName,
  drafts: readonly DraftLayer[],
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
): AsyncGenerator<ProgressResponse, { drafts: DraftLayer[]; config: ImageConfig }, undefined> {
  const name = ModelName.parse(from);
  if ((await store.find(name)) === undefined) yield* pull(name, signal);
  const source = await store.find(name);
  if (source === undefined) throw new AppError("not-found", `model '${from}' not found`);
  const { config, layers } = source.manifest;
  const baseConfig = (await store.blobs.has(config.digest))
    ? parseImageConfig(await store.blobs.readText(config.digest))
    : emptyConfig;
  const drafts: DraftLayer[] = [];
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
    const kind = layerKind(layer);
    const facts = kind === "model" || kind === "draft" ? inspect(store, digest).facts : undefined;
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

/** Adapters and projectors stay as they are, as in Ollama. */
async function* quantizeDrafts(
  { store, quantize }: CreateContext,
  drafts: DraftLayer[],
  kind: "model" | "draft",
  level: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  for (const [i, draft] of drafts.entries()) {
    if (layerKind(draft.layer) !== kind || draft.facts === undefined) continue;
    if (draft.level === level) continue;
    const source = { layer: draft.layer, fileType: draft.facts.fileType };
    const layer = yield* quantizeLayer(store.blobs, quantize, source, level, signal);
    if (layer !== draft.layer) drafts[i] = { layer, facts: inspect(store, layer.digest).facts, isNew: true };
  }
}
