// Uploaded files → layers: GGUFs as they are or merged, safetensors by way of the converter.

import { basename } from "node:path/posix";
import type { ProgressResponse } from "../api/schema/models.ts";
import { parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { goJsonLine } from "../base/go-encode.ts";
import { detectKnownTemplate } from "../chat/go-template/known-template.ts";
import { checkAdapter } from "./adapter-layers.ts";
import { type DraftLayer, inspect, newLayer } from "./draft-layer.ts";
import { type Convert, convertCheckpoint, isCheckpoint, refusePickles } from "./from-checkpoint.ts";
import { type Layer, layerKind, mediaTypeOf } from "./manifest.ts";
import { mergeShards } from "./merge-shards.ts";
import type { ModelStore } from "./store.ts";

export async function* fromModelFiles(
  { store, convert }: { readonly store: ModelStore; readonly convert?: Convert },
  files: Readonly<Record<string, string>>,
  level: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, DraftLayer[], undefined> {
  if (!isCheckpoint(files)) return yield* fromFiles(store, files, undefined, signal);
  if (convert === undefined) throw new AppError("unsupported", "this build cannot import safetensors");
  const converted = yield* convertCheckpoint(store, convert, files, level, signal);
  const { facts } = inspect(store, converted.layer.digest);
  const drafts: DraftLayer[] = [{ layer: converted.layer, facts, isNew: true, level: converted.level }];
  if (facts.chatTemplate !== undefined) drafts.push(...(await detectedTemplate(store, facts.chatTemplate)));
  const { parameters } = converted;
  const hasParameters = Object.keys(parameters).length > 0;
  if (hasParameters) drafts.push(await newLayer(store, "params", goJsonLine(parameters, { sortKeys: true })));
  return drafts;
}

const SAFETENSORS_DRAFT =
  "a draft model must be a GGUF file, not safetensors; 'ollama create' converts it to a model of its own first";

export async function* fromFiles(
  store: ModelStore,
  files: Readonly<Record<string, string>>,
  as: "adapter" | "draft" | undefined,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, DraftLayer[], undefined> {
  const entries = Object.entries(files);
  if (entries.length === 0) throw new AppError("invalid", "no files provided to convert");
  if (entries.some(([path]) => path.endsWith(".safetensors"))) {
    throw new AppError("unsupported", SAFETENSORS_DRAFT);
  }
  refusePickles(entries.map(([path]) => path));
  // The first line of a stream comes before what may fail, as in Ollama: errors are its last line.
  yield { status: "parsing GGUF" };
  const drafts: DraftLayer[] = [];
  // Ollama's order, and its notes of what came from where: they count for the model's digest.
  const blobs = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => ({ path, name: basename(path), digest: parseDigest(text) }));
  for (const { digest } of blobs) {
    if (!(await store.blobs.has(digest))) throw new AppError("invalid", `blob "${digest}" was not uploaded`);
  }
  for (const { digest } of yield* mergeShards(store.blobs, blobs, signal)) {
    const size = (await store.blobs.size(digest)) ?? 0;
    const { facts, kind } = inspect(store, digest);
    await store.blobs.touch(digest);
    const from = (as ?? kind) === "model" ? undefined : blobs.find((blob) => blob.digest === digest)?.path;
    const layer: Layer = { mediaType: mediaTypeOf(as ?? kind), digest, size, ...(from === undefined ? {} : { from }) };
    drafts.push({ layer, facts });
  }
  if (as === undefined) {
    for (const { layer, facts } of [...drafts]) {
      if (layerKind(layer) !== "model" || facts?.chatTemplate === undefined) continue;
      drafts.push(...(await detectedTemplate(store, facts.chatTemplate)));
    }
  }
  if (as === undefined && !drafts.some(({ layer }) => layerKind(layer) === "model")) {
    throw new AppError("invalid", "none of the files is a model");
  }
  return drafts;
}

/** Those of the request and those of a model that it builds on, against the weights they will be loaded with. */
export function checkAdapters(store: ModelStore, drafts: readonly DraftLayer[]): void {
  const path = ({ layer }: DraftLayer) => store.blobs.path(layer.digest);
  const weights = drafts.find(({ layer }) => layerKind(layer) === "model");
  for (const draft of drafts) {
    if (layerKind(draft.layer) !== "adapter") continue;
    if (weights === undefined) throw new AppError("invalid", "an adapter needs a model: name one with FROM");
    checkAdapter(path(weights), path(draft));
  }
}

async function detectedTemplate(store: ModelStore, chatTemplate: string): Promise<DraftLayer[]> {
  const known = detectKnownTemplate(chatTemplate);
  if (known === undefined) return [];
  const template = await newLayer(store, "template", known.template);
  const drafts: DraftLayer[] = [{ ...template, status: `using autodetected template ${known.name}` }];
  if (known.stop.length > 0) drafts.push(await newLayer(store, "params", goJsonLine({ stop: known.stop })));
  return drafts;
}
