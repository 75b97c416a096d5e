// How many threads suited each model on this machine, as its runner found out: the next load begins there instead of trying anew.
// Only a hint: a missing, damaged or unwritable file costs a few slower steps.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { logDebug } from "../base/log.ts";

const MOST_MODELS = 200;

export class ThreadMemory {
  readonly #counts: Map<string, number>;

  constructor(private readonly path: string) {
    this.#counts = read(path);
  }

  /** The count that a runner settled on when it had up to `most` threads. */
  recall(weightsPath: string, most: number): number | undefined {
    const count = this.#counts.get(keyOf(weightsPath, most));
    return count !== undefined && count <= most ? count : undefined;
  }

  async note(weightsPath: string, most: number, threads: number): Promise<void> {
    const key = keyOf(weightsPath, most);
    if (this.#counts.get(key) === threads) return;
    this.#counts.delete(key); // to the end: the newest are kept
    this.#counts.set(key, threads);
    const kept = Object.fromEntries([...this.#counts].slice(-MOST_MODELS));
    await writeFileAtomic(this.path, JSON.stringify(kept), { directoryMode: 0o700 }).catch((error: unknown) =>
      logDebug("cannot remember thread counts", { error: String(error) }),
    );
  }
}

/** The weights' file is named by its own hash; other limits on this machine's processors make it another machine. */
function keyOf(weightsPath: string, most: number): string {
  return `${basename(weightsPath)} of ${most}`;
}

function read(path: string): Map<string, number> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
    return new Map(entries.filter((entry): entry is [string, number] => Number.isInteger(entry[1]) && entry[1] > 0));
  } catch {
    return new Map();
  }
}
