// FROM names one shard of a split GGUF: the others lie beside it.

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../base/errors.ts";

/** What comes before the number, the number, how many there are. */
export const SHARD_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

export interface Shards {
  /** All of the set, in order, or just the file where it is none. */
  readonly paths: readonly string[];
  /** Names of those that are not there. */
  readonly missing: readonly string[];
}

export function presentShards(path: string): Shards {
  const [, prefix, , count] = SHARD_NAME.exec(basename(path)) ?? [];
  if (prefix === undefined || count === undefined || Number(count) < 2) return { paths: [path], missing: [] };
  const names = Array.from(
    { length: Number(count) },
    (_, i) => `${prefix}-${String(i + 1).padStart(5, "0")}-of-${count}.gguf`,
  );
  const missing = names.filter((name) => !existsSync(join(dirname(path), name)));
  return { paths: names.map((name) => join(dirname(path), name)), missing };
}

/** All shards of the set, or just the file where it is none. Throws `invalid`, naming those that are missing. */
export function shardsBeside(path: string): readonly string[] {
  const { paths, missing } = presentShards(path);
  if (missing.length === 0) return paths;
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
  throw new AppError(
    "invalid",
    `the split GGUF is incomplete: ${missing.slice(0, 5).join(", ")}${more} missing in ${dirname(path)}`,
  );
}
