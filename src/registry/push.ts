// `push`: every blob the registry lacks, then the manifest's bytes as they are on this disk (Ollama: server/images.go,
// PushModel; spec 2.63, 6.18). Mirrors have no part in it.

import { readFile } from "node:fs/promises";
import type { ProgressResponse } from "../api/schema/models.ts";
import { AppError } from "../base/errors.ts";
import type { Layer } from "../models/manifest.ts";
import { ModelName } from "../models/name.ts";
import type { StoredModel } from "../models/store.ts";
import type { RegistryClient } from "./client.ts";
import { repositoryOf } from "./mirrors.ts";
import { failure, progressLine } from "./pull.ts";
import type { Registry } from "./registry.ts";
import { uploadBlob } from "./upload.ts";

export async function* pushModel(
  registry: Registry,
  text: string,
  insecure: boolean,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store } = registry;
  yield { status: "retrieving manifest" };
  let model: StoredModel;
  try {
    model = await storedModel(registry, text);
  } catch (error) {
    yield { status: "couldn't retrieve manifest" };
    throw error;
  }
  const { name, manifest } = model;
  try {
    const client = registry.clientOf(name, insecure);
    const layers = [...manifest.layers, manifest.config];
    const distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    for (const layer of distinct) yield* pushBlob(registry, client, layer, signal);
    yield { status: "pushing manifest" };
    await client.putManifest(name.tag, await readFile(store.manifestPath(name), "utf8"), signal);
  } catch (error) {
    throw failure("", error, signal);
  }
  yield { status: "success" };
}

async function storedModel({ store }: Registry, text: string): Promise<StoredModel> {
  const name = ModelName.tryParse(text);
  if (name === undefined) throw new AppError("invalid", `unqualified name: ${ModelName.spelledOut(text)}`);
  const model = await store.find(name);
  // Ollama says what opening the manifest said (recorded: push-missing).
  if (model === undefined)
    throw new AppError("internal", `open ${store.manifestPath(name)}: no such file or directory`);
  return model;
}

async function* pushBlob(
  registry: Registry,
  client: RegistryClient,
  layer: Layer,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store, tuning, uploads } = registry;
  const { digest } = layer;
  if (await client.hasBlob(digest, signal)) {
    yield progressLine("pushing", digest, layer.size, layer.size);
    return;
  }
  const totalBytes = await store.blobs.size(digest);
  if (totalBytes === undefined) throw new AppError("not-found", `blob ${JSON.stringify(digest)} not found`);
  const from = layer.from === undefined ? undefined : ModelName.tryParse(layer.from);
  const upload = { client, tuning, digest, totalBytes, path: store.blobs.path(digest) };
  const mount = from === undefined ? {} : { mountFrom: repositoryOf(from) };
  const start = (inner: AbortSignal, onProgress: (bytes: number) => void) =>
    uploadBlob({ ...upload, ...mount, signal: inner, onProgress });
  for await (const completed of uploads.follow(client.blobUrl(digest).href, start, signal)) {
    yield progressLine("pushing", digest, totalBytes, completed);
  }
}
