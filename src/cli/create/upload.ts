// Brings local files to the server's blobs, those that are not there yet: without a copy where this program and the server
// share the models directory, else by HTTP.

import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import type { Progress } from "../ui/progress.ts";
import { fileFault } from "../../base/file-fault.ts";
import type { LocalFile } from "./local-files.ts";

const CHUNK_BYTES = 1024 * 1024;

export interface UploadOptions {
  /** Never clone or link. */
  readonly copy: boolean;
}

export async function uploadFiles(
  context: CliContext,
  files: readonly LocalFile[],
  progress: Progress,
  { copy }: UploadOptions,
): Promise<void> {
  const { client } = context;
  const known = new Set<string>();
  for (const file of files) {
    if (known.has(file.digest)) continue;
    known.add(file.digest);
    if (await client.hasBlob(file.digest)) continue;
    const directory = copy ? undefined : await client.modelsDirectory();
    if (directory !== undefined && (await placeInStore(context, directory, file, progress))) continue;
    await uploadFile(context, file, progress);
  }
}

/** That the server sees the file afterwards is the proof that both mean the same directory. */
async function placeInStore(
  { client }: CliContext,
  directory: string,
  file: LocalFile,
  progress: Progress,
): Promise<boolean> {
  const { BlobStore } = await import("../../models/blobs.ts");
  const { placeFile, removePlaced } = await import("../../models/place-file.ts");
  const blobs = new BlobStore(join(directory, "blobs"));
  const placed = await placeFile(blobs, file);
  if (placed === undefined) return false;
  if (await client.hasBlob(file.digest)) {
    const how = placed.how === "clone" ? "sharing its blocks" : "as a hard link";
    progress.spinner(`using ${basename(file.path)} without a copy (${how})`);
    return true;
  }
  await removePlaced(blobs, file.digest, placed.state);
  return false;
}

async function uploadFile({ client, stderr }: CliContext, file: LocalFile, progress: Progress): Promise<void> {
  const sizeBytes = Number(file.state.size);
  const line = (percent: number): string => `copying file ${file.digest} ${percent}%`;
  const spinner = progress.spinner(line(0));
  let shown = 0;
  const onSent = (bytes: number): void => {
    const percent = sizeBytes === 0 ? 100 : Math.floor((100 * bytes) / sizeBytes);
    // Where lines cannot be redrawn, each would stay: only the start and the end are said there.
    if (percent === shown || (!stderr.canRedraw && percent < 100)) return;
    shown = percent;
    progress.setMessage(spinner, line(percent));
  };
  await client.uploadBlob(file.digest, streamOf(readFile(file.path, onSent)));
  onSent(sizeBytes);
}

/** Reads on only when the connection has taken what came before. */
function streamOf(source: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await source.return();
    },
  });
}

async function* readFile(path: string, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    await using file = await open(path);
    for (;;) {
      const buffer = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      bytes += bytesRead;
      onRead(bytes);
    }
  } catch (error) {
    throw error instanceof AppError ? error : fileFault("read", path, error);
  }
}
