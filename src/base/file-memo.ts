// What was made of files that are needed again and again: a look at the file's state instead of reading and parsing it anew. A
// file that has changed is made something of anew, by whichever program it was changed.

import { type FileState, isSameState, stateNow } from "./file-state.ts";

interface Made<T> {
  readonly state: FileState;
  readonly value: T;
}

/**
 * A file that changed less than this ago may change again without showing a newer time: kernels stamp files with the time of
 * their last tick, and some file systems (FAT, old NFS) in whole or even seconds only.
 */
const TICK_NS = 100_000_000n;
const WHOLE_SECONDS_NS = 2_000_000_000n;
const SECOND_NS = 1_000_000_000n;
const MAX_FILES = 1024;

export class FileMemo<T> {
  readonly #made = new Map<string, Made<T>>();

  /** Beyond `limit` files the one made first is forgotten. */
  constructor(private readonly limit = MAX_FILES) {}

  /** The same object as before while the file is the same. `make` also says what a missing file means. */
  async read(path: string, make: (path: string) => Promise<T>): Promise<T> {
    // Looked at before it is read: what changes in between shows at the next look.
    const state = stateNow(path);
    const known = this.#recall(path, state);
    if (known !== undefined) return known.value;
    const value = await make(path);
    this.keep(path, state, value);
    return value;
  }

  readSync(path: string, make: (path: string) => T): T {
    const state = stateNow(path);
    const known = this.#recall(path, state);
    if (known !== undefined) return known.value;
    const value = make(path);
    this.keep(path, state, value);
    return value;
  }

  /** What was made of the file as it is now; undefined when nothing was. */
  recall(path: string): T | undefined {
    return this.#recall(path, stateNow(path))?.value;
  }

  /** `state` is what `stateNow` said before the file was read. */
  keep(path: string, state: FileState | undefined, value: T): void {
    this.#made.delete(path);
    if (state === undefined || !isSettled(state)) return;
    if (this.#made.size >= this.limit) this.#made.delete(this.#made.keys().next().value ?? "");
    this.#made.set(path, { state, value });
  }

  #recall(path: string, state: FileState | undefined): Made<T> | undefined {
    const known = this.#made.get(path);
    return known !== undefined && state !== undefined && isSameState(known.state, state) ? known : undefined;
  }
}

function isSettled({ mtimeNs, ctimeNs }: FileState): boolean {
  const lastNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  const grainNs = lastNs % SECOND_NS === 0n ? WHOLE_SECONDS_NS : TICK_NS;
  return BigInt(Date.now()) * 1_000_000n - lastNs > grainNs;
}
