// Files that are either whole or absent: written beside their place, then renamed into it.

import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomUUID } from "node:crypto";

export interface WriteOptions {
  /** Permission bits of the new file; 0o644 unless given. */
  readonly mode?: number;
  readonly directoryMode?: number;
}

/** A path beside `target` that no other writer uses. The name is no digest, so pruning removes it if a crash leaves it. */
export function temporaryBeside(target: string): string {
  return join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`);
}

/** Writes the whole content or nothing; a crash leaves the old file. */
export async function writeFileAtomic(
  target: string,
  data: Uint8Array | string,
  options: WriteOptions = {},
): Promise<void> {
  await mkdir(dirname(target), {
    recursive: true,
    ...(options.directoryMode === undefined ? {} : { mode: options.directoryMode }),
  });
  const temporary = temporaryBeside(target);
  try {
    const file = await open(temporary, "wx", options.mode ?? 0o644);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    if (options.mode !== undefined) await chmod(temporary, options.mode);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
