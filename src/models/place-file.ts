// A file on this disk as a blob without a second copy: a clone that shares its blocks where the file system can, else a hard
// link. For a program that may write the store; what is placed here the server must still be asked to see.

import { constants } from "node:fs";
import { chmod, chown, copyFile, link, realpath, rename, rm, stat } from "node:fs/promises";
import { temporaryBeside } from "../base/atomic-file.ts";
import type { Digest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { type FileState, fileState, hasSameContentTimes } from "../base/file-state.ts";
import type { BlobStore } from "./blobs.ts";

export interface Placement {
  readonly how: "clone" | "link";
  readonly state: FileState;
}

export interface PlacedFile {
  readonly path: string;
  readonly digest: Digest;
  /** As it was when it was hashed. */
  readonly state: FileState;
}

/** undefined when neither way is open, or when the server would not be able to read the file: then it must be copied. */
export async function placeFile(blobs: BlobStore, file: PlacedFile): Promise<Placement | undefined> {
  const original = await realpath(file.path);
  for (const [how, place] of [
    ["clone", cloneFile],
    ["link", linkFile],
  ] as const) {
    try {
      if (await place(blobs, file, original)) return { how, state: await fileState(blobs.path(file.digest)) };
    } catch (error) {
      if (error instanceof AppError) throw error;
      // No such way on this file system, other file systems, no permission: the next way, or a copy.
    }
  }
  return undefined;
}

/** Takes back what `placeFile` did, unless another file has come there since. */
export async function removePlaced(blobs: BlobStore, digest: Digest, state: FileState): Promise<void> {
  const now = await fileState(blobs.path(digest)).catch(() => undefined);
  if (now?.ino === state.ino) await blobs.remove(digest);
  else await blobs.links.remove(digest);
}

async function cloneFile(blobs: BlobStore, file: PlacedFile, original: string): Promise<boolean> {
  const target = blobs.path(file.digest);
  const temporary = temporaryBeside(target);
  try {
    await copyFile(original, temporary, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    await requireUntouched(file, original);
    const store = await stat(blobs.directory);
    // A clone is a file of its own: it gets the store's owner and mode, the original keeps its own.
    await chmod(temporary, 0o644);
    if (process.getuid?.() === 0) await chown(temporary, store.uid, store.gid);
    await rename(temporary, target);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function linkFile(blobs: BlobStore, file: PlacedFile, original: string): Promise<boolean> {
  const target = blobs.path(file.digest);
  if (!(await mayLink(blobs, original))) return false;
  const temporary = temporaryBeside(target);
  const { digest, state } = file;
  // The record comes first, in a state that makes the first reader look again: a kill never leaves an unwatched link.
  await blobs.links.write(digest, { origin: original, state: { ...state, ctimeNs: 0n }, changed: false });
  try {
    await link(original, temporary);
    await rename(temporary, target);
    await requireUntouched(file, original);
    await blobs.links.write(digest, { origin: original, state: await fileState(target), changed: false });
    return true;
  } catch (error) {
    await removePlaced(blobs, digest, state);
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Links only what the store's owner can read, and nobody but it and this user can change. */
async function mayLink(blobs: BlobStore, original: string): Promise<boolean> {
  const uid = process.getuid?.();
  if (uid === undefined) return true;
  const [facts, store] = await Promise.all([stat(original), stat(blobs.directory)]);
  const isOwnersToRead = facts.uid === store.uid && (facts.mode & 0o400) !== 0;
  const isReadable = store.uid === 0 || isOwnersToRead || (facts.mode & 0o004) !== 0;
  const isOthers = facts.uid !== uid && facts.uid !== store.uid;
  return isReadable && !isOthers && (facts.mode & 0o002) === 0;
}

async function requireUntouched({ path, state }: PlacedFile, original: string): Promise<void> {
  if (hasSameContentTimes(await fileState(original), state)) return;
  throw new AppError("busy", `${path} changed while it was being read; try again when nothing writes to it any more`);
}
