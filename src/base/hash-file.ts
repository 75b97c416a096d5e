// Hashing a whole file that nothing writes to meanwhile.

import { open } from "node:fs/promises";
import { type Digest, DigestStream } from "./digest.ts";
import { AppError } from "./errors.ts";
import { fileState, type FileState, hasSameContentTimes } from "./file-state.ts";

export interface HashedFile {
  readonly digest: Digest;
  readonly state: FileState;
}

const READ_BYTES = 1024 * 1024;

/** Throws `busy` for a file that is being written to. */
export async function hashFile(path: string, onBytes: (bytes: number) => void = () => {}): Promise<HashedFile> {
  const before = await fileState(path);
  const hash = new DigestStream();
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    onBytes(hash.bytes);
  }
  if (!hasSameContentTimes(before, await fileState(path)))
    throw new AppError("busy", `${path} changed while it was being read; try again when nothing writes to it any more`);
  return { digest: hash.digest(), state: before };
}
