// Safetensors and what belongs to them, uploaded as blobs → one GGUF blob. The conversion itself is given: it runs in a
// process of its own and writes to a temporary file here, which becomes a blob only when it is whole.

import { rm } from "node:fs/promises";
import type { ProgressResponse } from "../api/schema/models.ts";
import { type Digest, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { type Layer, mediaTypeOf } from "./manifest.ts";
import type { ModelStore } from "./store.ts";

export interface ConvertRequest {
  /** Names relative to the model's folder → paths of the blobs. */
  readonly files: Readonly<Record<string, string>>;
  /** Made by the conversion. */
  readonly target: string;
  readonly matrices: MatrixFormat;
  /** The model that the files adapt; undefined where they are a model. */
  readonly adapterOf?: AdapterBase | undefined;
}

export interface AdapterBase {
  readonly architecture: string;
  readonly heads: number;
  readonly kvHeads: number;
}

/** "source": as the weights are, in 16 bits. */
export type MatrixFormat = "F32" | "F16" | "BF16" | "source";

export interface Converted {
  readonly digest: Digest;
  readonly size: number;
  /** PARAMETERs that the model's makers recommend. */
  readonly parameters: Readonly<Record<string, number>>;
}

export type Convert = (
  request: ConvertRequest,
  signal: AbortSignal,
) => AsyncGenerator<ProgressResponse, Converted, undefined>;

export function isCheckpoint(files: Readonly<Record<string, string>>): boolean {
  return Object.keys(files).some((path) => path.endsWith(".safetensors"));
}

const PICKLE = /(?:\.pth|\.pt|\.ckpt|\.pkl|pytorch_model[^/]*\.bin)$/;

/** A pickle is a program: reading one runs it. None is ever opened. */
export function refusePickles(paths: readonly string[]): void {
  const pickle = paths.find((path) => PICKLE.test(path));
  if (pickle === undefined) return;
  throw new AppError(
    "unsupported",
    `${pickle} is a Python pickle, which can run code when it is read; save the model as safetensors (save_pretrained writes them) and create it from those`,
  );
}

export async function* convertCheckpoint(
  store: ModelStore,
  convert: Convert,
  files: Readonly<Record<string, string>>,
  level: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, { layer: Layer; level: string; parameters: Converted["parameters"] }, undefined> {
  const paths = await blobPaths(store, files);
  const matrices = level === "F32" || level === "F16" || level === "BF16" ? level : "source";
  const target = await store.blobs.temporary();
  yield { status: "converting model" };
  try {
    const { digest, size, parameters } = yield* convert({ files: paths, target, matrices }, signal);
    await store.blobs.adopt(target, digest);
    return { layer: { mediaType: mediaTypeOf("model"), digest, size }, level: matrices, parameters };
  } finally {
    await rm(target, { force: true });
  }
}

/** Of one folder: its weights and their adapter_config.json. */
export async function* convertAdapter(
  store: ModelStore,
  convert: Convert,
  files: Readonly<Record<string, string>>,
  base: AdapterBase,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, Layer, undefined> {
  const paths = await blobPaths(store, files);
  const target = await store.blobs.temporary();
  yield { status: "converting adapter" };
  try {
    const { digest, size } = yield* convert({ files: paths, target, matrices: "F32", adapterOf: base }, signal);
    await store.blobs.adopt(target, digest);
    return { mediaType: mediaTypeOf("adapter"), digest, size };
  } finally {
    await rm(target, { force: true });
  }
}

async function blobPaths(store: ModelStore, files: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const paths: [string, string][] = [];
  for (const [name, text] of Object.entries(files)) {
    const digest = parseDigest(text);
    if (!(await store.blobs.has(digest))) throw new AppError("invalid", `blob "${digest}" was not uploaded`);
    await store.blobs.touch(digest);
    paths.push([name, store.blobs.path(digest)]);
  }
  return Object.fromEntries(paths);
}
