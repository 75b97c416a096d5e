// What was read from a file and holds as long as the file is the same one in the same state.

import { statSync } from "node:fs";

/** Tells one state of a file from another; undefined when there is none. Links are followed. */
export function fileIdentity(path: string): string | undefined {
  const facts = statSync(path, { bigint: true, throwIfNoEntry: false });
  return facts === undefined ? undefined : `${facts.dev} ${facts.ino} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`;
}

export class Remembered<T> {
  readonly #entries = new Map<string, { readonly identity: string; readonly value: T }>();

  /** Beyond `limit` the oldest is forgotten. */
  constructor(private readonly limit: number) {}

  /** What was noted under this key for the file as it is now (`identity`, from before it was read). */
  recall(key: string, identity: string | undefined): T | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.identity === identity ? entry.value : undefined;
  }

  note(key: string, identity: string | undefined, value: T): void {
    if (identity === undefined) return;
    this.#entries.delete(key);
    if (this.#entries.size >= this.limit) this.#entries.delete(this.#entries.keys().next().value ?? "");
    this.#entries.set(key, { identity, value });
  }
}
