// Hashing a whole file, and knowing later whether it can have changed since.

import { open, stat } from "node:fs/promises";
import { type Digest, DigestStream } from "./digest.ts";
import { AppError } from "./errors.ts";

/** What of a file's state changes with its content. Only the change time cannot be set back. */
export interface FileState {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export interface HashedFile {
  readonly digest: Digest;
  readonly state: FileState;
}

const READ_BYTES = 1024 * 1024;

export async function fileState(path: string): Promise<FileState> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { ino, size, mtimeNs, ctimeNs };
}

/** Linking and renaming change only the change time. */
export function hasSameContentTimes(a: FileState, b: FileState): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

export function isSameState(a: FileState, b: FileState): boolean {
  return hasSameContentTimes(a, b) && a.ctimeNs === b.ctimeNs;
}

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
