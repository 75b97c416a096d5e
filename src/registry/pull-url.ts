// `pull` of a GGUF file by its address: nothing says beforehand what its digest is, so the file is named by what arrived,
// checked as a GGUF, and becomes a model as if it had been uploaded.

import type { ProgressResponse } from "../api/schema/models.ts";
import { type Digest, digestHex, digestOf } from "../base/digest.ts";
import { requireFree } from "../base/disk.ts";
import { AppError } from "../base/errors.ts";
import { createModel } from "../models/create.ts";
import { originHost } from "./addresses.ts";
import { refusal } from "./client.ts";
import { nameOfGgufUrl } from "./gguf-url.ts";
import { hfTokenFor } from "./mirrors.ts";
import { lockPartial } from "./partial-lock.ts";
import { partialBytes } from "./parts-file.ts";
import { failure, progressLine } from "./pull.ts";
import type { Registry } from "./registry.ts";
import { urlSource } from "./registry-source.ts";
import { transferFile } from "./transfer.ts";

export async function* pullGgufUrl(
  registry: Registry,
  url: URL,
  insecure: boolean,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, void, undefined> {
  const { store } = registry;
  if (url.protocol !== "https:" && !insecure) throw new AppError("invalid", "insecure protocol http");
  const name = nameOfGgufUrl(url);
  yield { status: "pulling manifest" };
  let digest: Digest;
  try {
    digest = yield* fetchFile(registry, url, insecure, signal);
  } catch (error) {
    throw failure(`pull ${url.host}: `, error, signal);
  }
  yield { status: "verifying sha256 digest" };
  const request = { model: name.display, files: { "model.gguf": digest } };
  yield* createModel({ store, pull: () => neverPulls() }, request, signal);
}

// eslint-disable-next-line require-yield -- a model made of files names no other model
async function* neverPulls(): AsyncGenerator<ProgressResponse> {
  throw new AppError("internal", "a model made of files names no other model");
}

async function* fetchFile(
  registry: Registry,
  url: URL,
  insecure: boolean,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, Digest, undefined> {
  const { store, http, tuning, limit, downloads } = registry;
  const trusted = new Set(insecure ? [originHost(url)] : []);
  const token = hfTokenFor(url, registry.mirrorSettings);
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  const head = await http.request({ method: "HEAD", url, authorization, trusted, signal });
  const { status, headers } = head.response;
  if (status >= 400) throw await refusal(head);
  head.close();
  const totalBytes = Number(headers.get("content-length") ?? Number.NaN);
  if (status !== 200 || !Number.isSafeInteger(totalBytes) || totalBytes <= 0)
    throw new AppError("internal", "the server does not say how large the file is");
  // A file that changed has another key, so a resumed download never mixes two versions.
  const version = `${headers.get("etag") ?? headers.get("last-modified") ?? ""} ${totalBytes}`;
  const key = digestOf(`${url.href} ${version}`);
  const target = store.blobs.path(key);
  await requireFree(store.blobs.directory, totalBytes - (await partialBytes(target, totalBytes)));
  const sources = [urlSource(http, url, trusted, authorization)];
  const place = (actual: Digest): string => store.blobs.path(actual);
  const choice = { index: 0 };
  const start = async (inner: AbortSignal, onProgress: (bytes: number) => void): Promise<Digest> => {
    using _ = await lockPartial(target, totalBytes, inner, onProgress);
    return await transferFile({ target, totalBytes, sources, choice, tuning, limit, signal: inner, onProgress, place });
  };
  const progress = downloads.follow(digestHex(key), start, signal);
  for (;;) {
    const step = await progress.next();
    if (step.done === true) return step.value;
    yield progressLine("pulling", key, totalBytes, step.value);
  }
}
