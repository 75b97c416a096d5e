// Lines entered before: kept in memory and, unless switched off, in a file that only its owner can read. The file is
// Ollama's: one line each, the last hundred, replaced as a whole after every entry (readline/history.go). An entry of
// several lines comes back as several entries, there as here.

import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const LIMIT = 100;

export class History {
  #entries: string[];

  /** Without a path nothing is read or written. */
  constructor(
    private readonly path?: string,
    public isSaved = true,
  ) {
    this.#entries = path === undefined ? [] : readEntries(path);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  add(entry: string): void {
    this.#entries = [...this.#entries, entry].slice(-LIMIT);
    if (!this.isSaved || this.path === undefined) return;
    try {
      writeEntries(this.path, this.#entries);
    } catch {
      // A history that cannot be written must not stop a conversation.
    }
  }
}

function readEntries(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").slice(-LIMIT);
}

function writeEntries(path: string, entries: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, entries.map((entry) => `${entry}\n`).join(""));
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Walking through the history from one prompt; what was being typed is the step after the newest entry. */
export class HistoryWalk {
  #at: number;
  #draft = "";

  constructor(private readonly entries: readonly string[]) {
    this.#at = entries.length;
  }

  /** The entry before, or undefined at the oldest. */
  previous(current: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.entries.length) this.#draft = current;
    this.#at -= 1;
    return this.entries[this.#at];
  }

  next(): string | undefined {
    if (this.#at >= this.entries.length) return undefined;
    this.#at += 1;
    return this.#at === this.entries.length ? this.#draft : this.entries[this.#at];
  }
}
