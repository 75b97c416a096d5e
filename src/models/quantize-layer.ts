// A model blob → a quantized copy of it, as another blob. Only weights that are not quantized yet are taken, as in Ollama.

import { rm } from "node:fs/promises";
import type { ProgressResponse } from "../api/schema/models.ts";
import { AppError } from "../base/errors.ts";
import { isPlainType, quantizeLevel } from "../formats/gguf/quantization.ts";
import { withGguf } from "./gguf-file.ts";
import type { Layer } from "./manifest.ts";
import type { BlobStore } from "./blobs.ts";

/** Writes `target`, yielding the name of each tensor when it is done. */
export type Quantize = (
  job: { readonly sourcePath: string; readonly targetPath: string; readonly fileType: number },
  signal: AbortSignal,
) => AsyncIterable<string>;

/** Ollama gives this work no digest of its own either (server/create.go). */
const NO_DIGEST = "0".repeat(19);

/** The new layer; the old one when it has that level already. Throws `invalid` in Ollama's words. */
export async function* quantizeLayer(
  blobs: BlobStore,
  quantize: Quantize | undefined,
  source: { readonly layer: Layer; readonly fileType: string },
  wanted: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, Layer, undefined> {
  const { layer, fileType } = source;
  const level = quantizeLevel(wanted);
  const sourcePath = blobs.path(layer.digest);
  const tensors = withGguf(sourcePath, (gguf) =>
    gguf.tensors.map(({ name, type, byteSize }) => ({ name, type, byteSize })),
  );
  if (!tensors.every(({ type }) => isPlainType(type))) {
    throw new AppError("invalid", "quantization is only supported for F16, BF16 and F32 models");
  }
  if (fileType === level.name) return layer;
  if (quantize === undefined) throw new AppError("unsupported", "this build cannot quantize models");
  const status = `quantizing ${fileType} model to ${level.name}`;
  const sizes = new Map(tensors.map(({ name, byteSize }) => [name, byteSize]));
  const total = tensors.reduce((sum, { byteSize }) => sum + byteSize, 0);
  const targetPath = await blobs.temporary();
  try {
    let completed = 0;
    yield { status, digest: NO_DIGEST, total };
    for await (const name of quantize({ sourcePath, targetPath, fileType: level.id }, signal)) {
      completed += sizes.get(name) ?? 0;
      yield { status, digest: NO_DIGEST, total, completed };
    }
    yield { status: "verifying conversion" };
    const { digest, size } = await blobs.hashAndAdopt(targetPath, signal);
    return { mediaType: layer.mediaType, digest, size };
  } finally {
    await rm(targetPath, { force: true });
  }
}
