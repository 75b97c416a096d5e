// States of sequences that lost their slot, so that a conversation that comes back is not computed again: in host memory,
// and on disk for what must survive the process. Bounded, least recently used first; a damaged or foreign file is ignored.

import { createHash } from "node:crypto";
import {
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  closeSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { commonPrefix } from "./slots.ts";

export interface StoredPrefix {
  readonly tokens: readonly number[];
  readonly bytes: number;
  /** undefined while it is only on disk. */
  readonly state: Uint8Array | undefined;
  readonly path: string | undefined;
}

interface Entry extends StoredPrefix {
  state: Uint8Array | undefined;
  path: string | undefined;
  lastUsed: number;
}

const MAGIC = "OLSTATE1";
/** magic, sha256 of the rest, token count, state bytes. */
const HEADER_BYTES = 8 + 32 + 4 + 8;
/** Shorter prefixes are computed faster than they are fetched. */
export const WORTH_KEEPING_TOKENS = 64;

export class PrefixStore {
  #entries: Entry[] = [];
  #clock = 0;

  /** `directory` belongs to one model with one set of context parameters; undefined: nothing is kept on disk. */
  constructor(
    private readonly memoryBytes: number,
    private readonly directory: string | undefined,
    private readonly diskBytes: number,
    /** A state was written: the files of all models together need a look. */
    private readonly onWritten: () => void = () => {},
  ) {
    if (directory !== undefined && diskBytes > 0) this.#readDirectory(directory);
  }

  get keepsInMemory(): boolean {
    return this.memoryBytes > 0;
  }

  get entries(): readonly StoredPrefix[] {
    return this.#entries;
  }

  hasOnDisk(tokens: readonly number[]): boolean {
    return this.#entries.some(
      (entry) =>
        entry.path !== undefined &&
        entry.tokens.length >= tokens.length &&
        commonPrefix(entry.tokens, tokens) === tokens.length,
    );
  }

  /** Keeps a state in memory. Entries that are prefixes of it are replaced by it. */
  keep(tokens: readonly number[], state: Uint8Array): void {
    if (tokens.length < WORTH_KEEPING_TOKENS || state.length > this.memoryBytes) return;
    const same = this.#entries.find(
      (entry) => entry.tokens.length === tokens.length && commonPrefix(entry.tokens, tokens) === tokens.length,
    );
    if (same !== undefined) {
      same.lastUsed = ++this.#clock;
      same.state ??= state;
    } else {
      this.#entries = this.#entries.filter(
        (entry) => entry.path !== undefined || commonPrefix(entry.tokens, tokens) < entry.tokens.length,
      );
      this.#entries.push({ tokens: [...tokens], bytes: state.length, state, path: undefined, lastUsed: ++this.#clock });
    }
    this.#shrinkMemory();
  }

  /** The entry that saves most of `prompt`, if any saves something. `whole`: only one that the prompt continues. */
  find(
    prompt: readonly number[],
    whole: boolean,
  ): { readonly entry: StoredPrefix; readonly common: number } | undefined {
    let best: { entry: StoredPrefix; common: number } | undefined;
    for (const entry of this.#entries) {
      const common = commonPrefix(entry.tokens, prompt);
      if (whole && (common < entry.tokens.length || common >= prompt.length)) continue;
      if (common > (best?.common ?? 0)) best = { entry, common };
    }
    return best;
  }

  /** The state itself; undefined when the file turned out to be damaged (it is then forgotten). */
  load(prefix: StoredPrefix): Uint8Array | undefined {
    const entry = this.#entries.find((other) => other === prefix);
    if (entry === undefined) return undefined;
    entry.lastUsed = ++this.#clock;
    if (entry.state !== undefined) return entry.state;
    const read = entry.path === undefined ? undefined : readStateFile(entry.path);
    if (read === undefined) {
      this.#forget(entry);
      return undefined;
    }
    if (entry.path !== undefined) touch(entry.path);
    return read.state;
  }

  /** Writes a state to disk, whole or not at all. False when it is not worth it or could not be written. */
  persist(tokens: readonly number[], state: Uint8Array): boolean {
    const { directory, diskBytes } = this;
    if (directory === undefined || tokens.length < WORTH_KEEPING_TOKENS || state.length > diskBytes / 4) return false;
    const name = createHash("sha256").update(Int32Array.from(tokens)).digest("hex").slice(0, 32);
    const path = join(directory, `${name}.state`);
    if (this.#entries.some((entry) => entry.path === path)) return false;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeStateFile(path, tokens, state);
    } catch {
      return false; // a full or read-only disk only costs the cache
    }
    for (const entry of this.#entries) {
      if (entry.path !== undefined && commonPrefix(entry.tokens, tokens) === entry.tokens.length) this.#forget(entry);
    }
    this.#entries.push({ tokens: [...tokens], bytes: state.length, state: undefined, path, lastUsed: ++this.#clock });
    this.onWritten();
    return true;
  }

  #forget(entry: Entry): void {
    if (entry.path !== undefined) rmSync(entry.path, { force: true });
    this.#entries = this.#entries.filter((other) => other !== entry);
  }

  #shrinkMemory(): void {
    let total = this.#entries.reduce((sum, { state }) => sum + (state?.length ?? 0), 0);
    for (const entry of this.#entries.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
      if (total <= this.memoryBytes) return;
      total -= entry.state?.length ?? 0;
      entry.state = undefined;
      if (entry.path === undefined) this.#entries = this.#entries.filter((other) => other !== entry);
    }
  }

  #readDirectory(directory: string): void {
    let names: string[];
    try {
      names = readdirSync(directory);
    } catch {
      return;
    }
    for (const name of names) {
      const path = join(directory, name);
      // A runner that was killed while it wrote leaves an unfinished file.
      if (name.endsWith(".tmp")) rmSync(path, { force: true });
      if (!name.endsWith(".state")) continue;
      const header = readTokens(path);
      if (header === undefined) rmSync(path, { force: true });
      else this.#entries.push({ ...header, state: undefined, path, lastUsed: 0 });
    }
  }
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Another process removed it meanwhile.
  }
}

function writeStateFile(path: string, tokens: readonly number[], state: Uint8Array): void {
  const body = Buffer.alloc(12 + tokens.length * 4);
  body.writeUInt32LE(tokens.length, 0);
  body.writeBigUInt64LE(BigInt(state.length), 4);
  for (const [i, token] of tokens.entries()) body.writeInt32LE(token, 12 + i * 4);
  const digest = createHash("sha256").update(body).update(state).digest();
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, Buffer.concat([Buffer.from(MAGIC, "latin1"), digest, body, state]), {
      mode: 0o600,
      flag: "wx",
    });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Tokens and size from the head of a file; undefined for anything that is not one of ours. */
function readTokens(path: string): { tokens: number[]; bytes: number } | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(descriptor, header, 0, HEADER_BYTES, 0) !== HEADER_BYTES) return undefined;
    if (header.toString("latin1", 0, 8) !== MAGIC) return undefined;
    const count = header.readUInt32LE(40);
    const bytes = Number(header.readBigUInt64LE(44));
    if (statSync(path).size !== HEADER_BYTES + count * 4 + bytes) return undefined;
    const raw = Buffer.alloc(count * 4);
    readSync(descriptor, raw, 0, raw.length, HEADER_BYTES);
    return { tokens: Array.from({ length: count }, (_, i) => raw.readInt32LE(i * 4)), bytes };
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function readStateFile(path: string): { state: Uint8Array } | undefined {
  try {
    const file = readFileSync(path);
    const digest = createHash("sha256").update(file.subarray(40)).digest();
    if (!digest.equals(file.subarray(8, 40))) return undefined;
    return { state: new Uint8Array(file.subarray(HEADER_BYTES + file.readUInt32LE(40) * 4)) };
  } catch {
    return undefined;
  }
}
