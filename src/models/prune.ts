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
  const used = await store.usedDigests();
  if (used === undefined) return;
  const { digests, others } = await store.blobs.list();
  const isOld = async (path: string) => {
    const facts = await stat(path).catch(() => undefined);
    return facts !== undefined && options.nowMs - facts.mtimeMs > GRACE_MS;
  };
  let removed = 0;
  for (const digest of digests) {
    if (used.has(digest) || !(await isOld(store.blobs.path(digest)))) continue;
    await store.blobs.remove(digest);
    removed++;
  }
  for (const name of others) {
    const path = join(directory, name);
    if (/-partial(-\d+)?$/.test(name) || !(await isOld(path))) continue;
    await rm(path, { force: true });
    removed++;
  }
  if (removed > 0) logInfo("removed unused blobs", { count: removed });
}
