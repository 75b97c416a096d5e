// Room on a disk.

import { statfs } from "node:fs/promises";
import { humanBytes } from "./bytes.ts";
import { AppError } from "./errors.ts";

/** Space that stays free, for whatever else the machine does. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** Throws before anything is written when it would not fit. */
export async function requireFree(directory: string, neededBytes: number): Promise<void> {
  const facts = await statfs(directory).catch(() => undefined);
  if (facts === undefined) return;
  const freeBytes = facts.bavail * facts.bsize;
  if (freeBytes >= neededBytes + SPARE_BYTES) return;
  throw new AppError(
    "internal",
    `no space left on device: ${humanBytes(neededBytes)} more is needed in ${directory}, ${humanBytes(freeBytes)} is free`,
  );
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
