// What was made of small files that are needed again and again: a look at the file's state instead of reading and parsing it
// anew. A file that has changed is made something of anew, by whichever program it was changed.

import { statSync } from "node:fs";
import { type FileState, isSameState } from "./hash-file.ts";

interface Made<T> {
  readonly state: FileState;
  readonly value: T;
}

/** A file that changed less than this ago may change again without showing a newer time. */
const CLOCK_GRAIN_NS = 1_000_000_000n;
const MAX_FILES = 1024;

export class FileMemo<T> {
  readonly #made = new Map<string, Made<T>>();

  constructor(private readonly now: () => number = Date.now) {}

  /** The same object as before while the file is the same. `make` also says what a missing file means. */
  async read(path: string, make: (path: string) => Promise<T>): Promise<T> {
    // Looked at before it is read: what changes in between shows at the next look.
    const state = stateNow(path);
    const known = this.#made.get(path);
    if (known !== undefined && state !== undefined && isSameState(known.state, state)) return known.value;
    this.#made.delete(path);
    const value = await make(path);
    if (state === undefined || !isSettled(state, this.now())) return value;
    if (this.#made.size >= MAX_FILES) this.#made.delete(this.#made.keys().next().value ?? "");
    this.#made.set(path, { state, value });
    return value;
  }
}

/** Here and now: the look takes a few microseconds, handing it to another thread and back many times that. */
function stateNow(path: string): FileState | undefined {
  try {
    const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (facts === undefined) return undefined;
    const { ino, size, mtimeNs, ctimeNs } = facts;
    return { ino, size, mtimeNs, ctimeNs };
  } catch {
    return undefined;
  }
}

function isSettled({ mtimeNs, ctimeNs }: FileState, nowMs: number): boolean {
  const lastNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return BigInt(nowMs) * 1_000_000n - lastNs > CLOCK_GRAIN_NS;
}
