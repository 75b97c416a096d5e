// What tells whether a file can have changed since it was looked at.

import { statSync } from "node:fs";
import { stat } from "node:fs/promises";

/** What of a file's state changes with its content. Only the change time cannot be set back. */
export interface FileState {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

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

/** Here and now: the look takes a few microseconds, handing it to another thread and back many times that. */
export function stateNow(path: string): FileState | undefined {
  try {
    const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (facts === undefined) return undefined;
    const { ino, size, mtimeNs, ctimeNs } = facts;
    return { ino, size, mtimeNs, ctimeNs };
  } catch {
    return undefined;
  }
}
