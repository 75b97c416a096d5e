// Keeps the conversation states of all models under one limit. The server does it: a runner sees only its own model's.

import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Runners write and remove here meanwhile: what vanishes is left out. */
function stateFilesBelow(parent: string): { path: string; size: number; mtimeMs: number }[] {
  try {
    return readdirSync(parent, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const facts = path.endsWith(".state") ? statSync(path, { throwIfNoEntry: false }) : undefined;
      return facts?.isFile() === true ? [{ path, size: facts.size, mtimeMs: facts.mtimeMs }] : [];
    });
  } catch {
    return []; // a directory vanished; the next write prunes
  }
}

/** Keeps the states of all models together under the limit: the least recently used files go first. */
export function pruneStates(parent: string, limitBytes: number): void {
  const files = stateFilesBelow(parent).sort((a, b) => b.mtimeMs - a.mtimeMs);
  let total = 0;
  for (const { path, size } of files) {
    total += size;
    if (total > limitBytes) rmSync(path, { force: true });
  }
}
