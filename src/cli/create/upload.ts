// Brings local files to the server's blobs, those that are not there yet.

import { open } from "node:fs/promises";
import { AppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import type { Progress } from "../ui/progress.ts";
import { fileFault } from "./file-fault.ts";
import type { LocalFile } from "./local-files.ts";

const CHUNK_BYTES = 1024 * 1024;

export async function uploadFiles(context: CliContext, files: readonly LocalFile[], progress: Progress): Promise<void> {
  const known = new Set<string>();
  for (const file of files) {
    if (known.has(file.digest)) continue;
    known.add(file.digest);
    if (!(await context.client.hasBlob(file.digest))) await uploadFile(context, file, progress);
  }
}

async function uploadFile({ client, stderr }: CliContext, file: LocalFile, progress: Progress): Promise<void> {
  const line = (percent: number): string => `copying file ${file.digest} ${percent}%`;
  const spinner = progress.spinner(line(0));
  let shown = 0;
  const onSent = (bytes: number): void => {
    const percent = file.sizeBytes === 0 ? 100 : Math.floor((100 * bytes) / file.sizeBytes);
    // Where lines cannot be redrawn, each would stay: only the start and the end are said there.
    if (percent === shown || (!stderr.canRedraw && percent < 100)) return;
    shown = percent;
    progress.setMessage(spinner, line(percent));
  };
  await client.uploadBlob(file.digest, streamOf(readFile(file.path, onSent)));
  onSent(file.sizeBytes);
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
