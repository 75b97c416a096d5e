// Unpacked libraries of several versions stand side by side, for an older server may still run. Each server leaves a marker
// in the folder it loads from; a folder goes when nobody has used it for a while and no marker's server is alive.

import { existsSync, readdirSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { logDebug, logInfo, logWarn } from "../base/log.ts";
import { processFacts } from "../base/process-facts.ts";

const MARKER = ".used-by-";
const DAY_MS = 24 * 60 * 60_000;
/** Without a server that is known to be alive a folder is kept for so long: its user may be on another computer. */
const UNUSED_MS = 7 * DAY_MS;

/** The folder's own modification time tells when it was last taken into use. */
export async function markInUse(directory: string, pid = process.pid): Promise<void> {
  for (const path of markersIn(directory)) if (!(await isAlive(path))) await rm(path, { force: true });
  const content = JSON.stringify({ host: hostname(), pid, startTicks: processFacts(pid)?.startTicks });
  await writeFileAtomic(join(directory, `${MARKER}${hostname()}-${pid}`), content).catch((error: unknown) => {
    logDebug("cannot mark the libraries as used", { directory, error: String(error) });
  });
}

export async function removeUnused(parent: string, current: string, nowMs = Date.now()): Promise<void> {
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    const directory = join(parent, name);
    if (name === current || name.startsWith(".") || (await isUsed(directory, nowMs))) continue;
    await rm(directory, { recursive: true, force: true }).then(
      () => logInfo("removed the libraries of another version", { name }),
      (error: unknown) => logWarn("cannot remove old libraries", { name, error: String(error) }),
    );
  }
}

async function isUsed(directory: string, nowMs: number): Promise<boolean> {
  const facts = await stat(directory).catch(() => undefined);
  if (facts === undefined || nowMs - facts.mtimeMs < UNUSED_MS) return facts !== undefined;
  for (const path of markersIn(directory)) if (await isAlive(path)) return true;
  return false;
}

function markersIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(MARKER))
    .map((name) => join(directory, name));
}

/** The server that left the marker still runs: same computer, same id, same start. */
async function isAlive(path: string): Promise<boolean> {
  const text = await readFile(path, "utf8").catch(() => "");
  const marker = ((): { host?: unknown; pid?: unknown; startTicks?: unknown } => {
    try {
      return (JSON.parse(text) as object | null) ?? {};
    } catch {
      return {};
    }
  })();
  if (marker.host !== hostname() || typeof marker.pid !== "number") return false;
  const facts = processFacts(marker.pid);
  if (facts !== undefined) return facts.startTicks === marker.startTicks;
  try {
    process.kill(marker.pid, 0);
    return true;
  } catch {
    return false;
  }
}
