// House-keeping at server start (spec 6.06): old blob names, unreferenced blobs, left-over temporaries. Partial downloads
// stay, unlike in Ollama, so that a pull resumes after a restart (docs/differences.md).

import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isDigest, parseDigest } from "../base/digest.ts";
import { logInfo } from "../base/log.ts";
import type { ModelStore } from "./store.ts";

/** Younger files may belong to a pull or create that another process is doing. */
const GRACE_MS = 60 * 60_000;

export async function tidyStore(store: ModelStore, options: { prune: boolean; nowMs: number }): Promise<void> {
  const directory = store.blobs.directory;
  for (const name of await readdir(directory).catch(() => [] as string[])) {
    if (!name.startsWith("sha256:") || !isDigest(name)) continue;
    await rename(join(directory, name), store.blobs.path(parseDigest(name)));
  }
  if (!options.prune) return;
  const removed = await store.exclusively(() => removeLeftOvers(store, options.nowMs));
  if (removed > 0) logInfo("removed unused blobs", { count: removed });
}

/** How many files went. None goes while a manifest cannot be read. */
async function removeLeftOvers(store: ModelStore, nowMs: number): Promise<number> {
  const { blobs } = store;
  const used = await store.usedDigests();
  if (used === undefined) return 0;
  const { digests, others } = await blobs.list();
  let removed = 0;
  for (const digest of digests) {
    if (used.has(digest) || nowMs - (await blobs.touchedMs(digest)) <= GRACE_MS) continue;
    await blobs.remove(digest);
    removed++;
  }
  for (const name of others) {
    const path = join(blobs.directory, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined || nowMs - facts.mtimeMs <= GRACE_MS || isPartial(name, others)) continue;
    await rm(path, { force: true });
    removed++;
  }
  return removed;
}

/** What a download has so far, how far each part is, and the lock of who is at it. */
function isPartial(name: string, names: readonly string[]): boolean {
  return (
    /-partial(-\d+)?$/.test(name) || (name.endsWith("-partial-lock") && names.includes(name.replace(/-lock$/, "")))
  );
}
