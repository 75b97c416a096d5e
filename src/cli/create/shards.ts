// FROM names one shard of a split GGUF: the others lie beside it.

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../base/errors.ts";

const SHARD_NAME = /^(.*)-\d{5}-of-(\d{5})\.gguf$/;

/** All shards of the set, or just the file where it is none. Throws `invalid`, naming those that are missing. */
export function shardsBeside(path: string): string[] {
  const [, prefix, count] = SHARD_NAME.exec(basename(path)) ?? [];
  if (prefix === undefined || count === undefined || Number(count) < 2) return [path];
  const names = Array.from(
    { length: Number(count) },
    (_, i) => `${prefix}-${String(i + 1).padStart(5, "0")}-of-${count}.gguf`,
  );
  const missing = names.filter((name) => !existsSync(join(dirname(path), name)));
  if (missing.length === 0) return names.map((name) => join(dirname(path), name));
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
  throw new AppError(
    "invalid",
    `the split GGUF is incomplete: ${missing.slice(0, 5).join(", ")}${more} missing in ${dirname(path)}`,
  );
}
