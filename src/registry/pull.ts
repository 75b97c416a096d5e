// `pull` of a model name: manifest, then every blob that is not here, then the manifest's bytes as they came, last of all,
// so that a model is either whole or absent. Status lines are Ollama's (server/images.go, PullModel; spec 2.62).

import type { ProgressResponse } from "../api/schema/models.ts";
import { type Digest, digestHex } from "../base/digest.ts";
import { requireFree } from "../base/disk.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { logWarn } from "../base/log.ts";
import { AsyncQueue } from "../base/queue.ts";
import { type Layer, layerKind, type Manifest, parseManifest } from "../models/manifest.ts";
import type { ModelName } from "../models/name.ts";
import type { RegistryClient } from "./client.ts";
import { lockPartial } from "./partial-lock.ts";
import { partialBytes } from "./parts-file.ts";
import type { Registry } from "./registry.ts";
import { registrySource } from "./registry-source.ts";
import { transferFile } from "./transfer.ts";

/** Small layers are fetched some at a time; large ones share the connections of one transfer each. */
const PARALLEL_BLOBS = 4;
/** How often blobs may vanish between their download and the manifest. */
const MAX_COMMITS = 10;

export async function* pullModel(
  registry: Registry,
  wanted: ModelName,
  insecure: boolean,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store, config } = registry;
  const before = await store.find(wanted).catch(() => undefined);
  const name = before?.name ?? wanted;
  yield { status: "pulling manifest" };
  let clients: readonly RegistryClient[];
  let fetched: { readonly bytes: string; readonly manifest: Manifest };
  try {
    clients = registry.clientsFor(name, insecure);
    fetched = await fetchManifest(clients, name, signal);
  } catch (error) {
    throw failure("pull model manifest: ", error, signal);
  }
  const layers = distinct([...fetched.manifest.layers, fetched.manifest.config]);
  if (layers.some((layer) => layerKind(layer) === "tensor"))
    throw new AppError("internal", "this model requires MLX support, but the MLX runtime is not available");
  const from = { clients, choice: { index: 0 } };
  try {
    yield* fetchBlobs(registry, from, layers, signal);
    yield { status: "verifying sha256 digest" };
    yield { status: "writing manifest" };
    yield* commit(registry, from, name, { ...fetched, layers }, signal);
  } catch (error) {
    throw failure("", error, signal);
  }
  const kept = new Set(layers.map((layer) => layer.digest));
  const old = before === undefined ? [] : [before.manifest.config, ...before.manifest.layers];
  const unused = old.map((layer) => layer.digest).filter((digest) => !kept.has(digest));
  if (unused.length > 0 && !config.noPrune) {
    yield { status: "removing unused layers" };
    await store.removeUnused(unused);
  }
  yield { status: "success" };
}

/** Who deletes another model meanwhile may take a blob that no manifest named yet; it is fetched again. */
async function* commit(
  registry: Registry,
  from: Origins,
  name: ModelName,
  { bytes, layers }: { readonly bytes: string; readonly layers: readonly Layer[] },
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  for (let attempt = 0; attempt < MAX_COMMITS; attempt++) {
    const gone = new Set(await registry.store.commit(name, bytes));
    if (gone.size === 0) return;
    yield* fetchBlobs(
      registry,
      from,
      layers.filter(({ digest }) => gone.has(digest)),
      signal,
    );
  }
  throw new AppError("internal", "another program removes the model's blobs again and again");
}

/** Pull errors are 500 for a client that does not stream, whatever they were at the registry (spec 2.62). */
export function failure(prefix: string, error: unknown, signal: AbortSignal): AppError {
  const known = toAppError(error);
  const fault = signal.aborted ? "canceled" : "internal";
  return new AppError(fault, prefix + known.message, { cause: error });
}

/**
 * The registry (or what stands in for it: the last endpoint) is asked before its mirrors: a tag has no digest to check a
 * mirror's answer by. A mirror is believed only where the registry does not answer.
 */
async function fetchManifest(
  clients: readonly RegistryClient[],
  name: ModelName,
  signal: AbortSignal,
): Promise<{ readonly bytes: string; readonly manifest: Manifest }> {
  let first: unknown;
  for (const client of [...clients.slice(-1), ...clients.slice(0, -1)]) {
    const isAuthority = client === clients.at(-1);
    try {
      const bytes = (await client.manifest(name.tag, signal)).toString("utf8");
      if (!isAuthority) logWarn("manifest comes from a mirror", { mirror: client.origin.host, name: name.display });
      return { bytes, manifest: checkManifest(bytes) };
    } catch (error) {
      signal.throwIfAborted();
      first ??= error;
      // A registry that says the model does not exist has answered.
      if (error instanceof AppError && error.fault === "not-found" && isAuthority) break;
    }
  }
  throw first;
}

function checkManifest(bytes: string): Manifest {
  const manifest = parseManifest(bytes);
  if (manifest.layers.length === 0) throw new AppError("invalid", "the manifest names no layers");
  const total = [manifest.config, ...manifest.layers].reduce((sum, layer) => sum + layer.size, 0);
  if (!Number.isSafeInteger(total)) throw new AppError("invalid", "the manifest's sizes are absurd");
  return manifest;
}

function distinct(layers: readonly Layer[]): Layer[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

async function missing({ store }: Registry, layers: readonly Layer[]): Promise<Layer[]> {
  const absent: Layer[] = [];
  for (const layer of layers) if (!(await store.blobs.isWhole(layer.digest, layer.size))) absent.push(layer);
  return absent;
}

/** Where blobs may come from, and which of it is in use. */
interface Origins {
  readonly clients: readonly RegistryClient[];
  readonly choice: { index: number };
}

async function* fetchBlobs(
  registry: Registry,
  from: Origins,
  layers: readonly Layer[],
  outer: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store, tuning } = registry;
  const absent = await missing(registry, layers);
  await requireSpace(registry, absent);
  for (const layer of layers) {
    if (absent.includes(layer)) continue;
    await store.blobs.touch(layer.digest);
    yield progressLine("pulling", layer.digest, layer.size, layer.size);
  }
  const control = new AbortController();
  const signal = AbortSignal.any([outer, control.signal]);
  const queue = new AsyncQueue<ProgressResponse>();
  const small = absent.filter((layer) => layer.size <= tuning.partBytes);
  const large = absent.filter((layer) => layer.size > tuning.partBytes);
  const work = async (list: Layer[]): Promise<void> => {
    for (let layer = list.shift(); layer !== undefined; layer = list.shift()) {
      await fetchBlob(registry, from, layer, signal, (line) => {
        if (queue.last?.digest === line.digest) queue.replaceLast(line);
        else queue.push(line);
      });
    }
  };
  const all = async (): Promise<void> => {
    await joinAll(
      Array.from({ length: PARALLEL_BLOBS }, () => work(small)),
      control,
    );
    await joinAll([work(large)], control);
  };
  const running = all().then(
    () => queue.end(),
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue;
  } finally {
    control.abort();
    await running;
  }
}

/** The first failure stops the others, and all have ended when it is thrown. */
async function joinAll(jobs: readonly Promise<void>[], control: AbortController): Promise<void> {
  let failed: { readonly error: unknown } | undefined;
  const note = (error: unknown) => {
    failed ??= { error };
    control.abort();
  };
  await Promise.all(jobs.map((job) => job.catch(note)));
  if (failed !== undefined) throw failed.error;
}

export function progressLine(verb: string, digest: string, total: number, completed: number): ProgressResponse {
  const status = `${verb} ${digest.slice("sha256:".length, "sha256:".length + 12)}`;
  return { status, digest, total, ...(completed === 0 ? {} : { completed }) };
}

/** Throws before anything is fetched when the rest would not fit. */
async function requireSpace({ store }: Registry, layers: readonly Layer[]): Promise<void> {
  let needed = 0;
  for (const { digest, size } of layers) needed += size - (await partialBytes(store.blobs.path(digest), size));
  if (needed > 0) await requireFree(store.blobs.directory, needed);
}

async function fetchBlob(
  registry: Registry,
  from: Origins,
  { digest, size }: Layer,
  signal: AbortSignal,
  show: (line: ProgressResponse) => void,
): Promise<void> {
  const { downloads } = registry;
  const start = (inner: AbortSignal, onProgress: (bytes: number) => void) =>
    downloadVerified(registry, from, { digest, size }, inner, onProgress);
  for await (const completed of downloads.follow(digestHex(digest), start, signal)) {
    show(progressLine("pulling", digest, size, completed));
  }
}

/** A file that turns out to be something else is fetched once more, from the next source first. */
async function downloadVerified(
  registry: Registry,
  from: Origins,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<Digest> {
  const { store, tuning, limit } = registry;
  const target = store.blobs.path(digest);
  using _ = await lockPartial(target, size, signal, onProgress);
  if (await store.blobs.isWhole(digest, size)) {
    onProgress(size);
    return digest;
  }
  const { clients, choice } = from;
  const sources = clients.map((client) => registrySource(client, digest));
  const attempts = sources.length + 1;
  for (let attempt = 1; ; attempt++) {
    let mismatch: AppError | undefined;
    const place = (actual: Digest): string => {
      if (actual === digest) return target;
      mismatch = new AppError(
        "internal",
        `digest mismatch, file must be downloaded again: want ${digest}, got ${actual}`,
      );
      throw mismatch;
    };
    try {
      return await transferFile({
        target,
        totalBytes: size,
        sources,
        choice,
        tuning,
        limit,
        signal,
        onProgress,
        place,
      });
    } catch (error) {
      if (mismatch === undefined || error !== mismatch || attempt >= attempts) throw error;
      logWarn("downloaded bytes are not what was asked for, fetching again", { digest });
      choice.index++;
    }
  }
}
