// What is on disk of an unfinished download: `<blob>-partial` holds the bytes, `<blob>-partial-N` says how far part N is.
// Names and content are Ollama's (server/download.go), so either program resumes what the other began.

import { type FileHandle, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { constants } from "node:fs";
import { basename, dirname, join } from "node:path";
import { temporaryBeside } from "../base/atomic-file.ts";
import { slices } from "./gathered.ts";

export interface Part {
  readonly n: number;
  readonly offset: number;
  readonly size: number;
  /** Bytes from `offset` on that are in the file. */
  completed: number;
}

/** How long a slow part may grow without its state being saved. */
const CHECKPOINT_MS = 1000;
const MAX_PARTS = 4096;
const MAX_STATE_BYTES = 1024;

export class PartsFile implements AsyncDisposable {
  readonly #checkpoints = new Map<Part, { readonly bytes: number; readonly ms: number }>();
  readonly #whole: Part[] = [];
  #sealing: Promise<void> = Promise.resolve();

  private constructor(
    readonly target: string,
    readonly totalBytes: number,
    readonly parts: readonly Part[],
    readonly file: FileHandle,
  ) {}

  /** Takes up what is there if it fits `totalBytes`, else starts anew. */
  static async open(target: string, totalBytes: number, partBytes: number): Promise<PartsFile> {
    const saved = await savedParts(target, totalBytes);
    if (saved === undefined) await removePartial(target);
    const file = await open(`${target}-partial`, constants.O_RDWR | constants.O_CREAT, 0o644);
    const opened = new PartsFile(target, totalBytes, saved ?? cut(totalBytes, partBytes), file);
    try {
      await file.truncate(totalBytes);
      if (saved === undefined) for (const part of opened.parts) await opened.save(part);
    } catch (error) {
      await file.close();
      throw error;
    }
    return opened;
  }

  get completedBytes(): number {
    return this.parts.reduce((sum, part) => sum + part.completed, 0);
  }

  /** How many bytes from the start on are there without a gap. */
  get prefixBytes(): number {
    let bytes = 0;
    for (const part of this.parts) {
      bytes += part.completed;
      if (part.completed < part.size) break;
    }
    return bytes;
  }

  /** Writes a part's state so that a kill leaves the old one or the new one. */
  async save(part: Part): Promise<void> {
    const path = `${this.target}-partial-${part.n}`;
    const temporary = temporaryBeside(path);
    const state = { N: part.n, Offset: part.offset, Size: part.size, Completed: part.completed };
    try {
      await writeFile(temporary, `${JSON.stringify(state)}\n`, { mode: 0o644 });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const total = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    for (let done = 0; done < total;) {
      const { bytesWritten } = await this.file.writev(slices(chunks, done, total), position + done);
      done += bytesWritten;
    }
  }

  /** Saves a growing part now and then: after `stepBytes`, or a moment on a slow connection. */
  async checkpoint(part: Part, stepBytes: number): Promise<void> {
    const nowMs = performance.now();
    const last = this.#checkpoints.get(part);
    const isDue = last === undefined || part.completed - last.bytes >= stepBytes || nowMs - last.ms >= CHECKPOINT_MS;
    if (!isDue || part.completed === part.size) return;
    this.#checkpoints.set(part, { bytes: part.completed, ms: nowMs });
    await this.save(part);
  }

  /** Saves a part that is whole, its bytes first, in the background: one flush serves all that became whole meanwhile. */
  seal(part: Part): void {
    this.#whole.push(part);
    this.#sealing = this.#sealing.then(() => this.#sealWhole());
    // Reported by `sealed`; without this a failure before that would count as unhandled.
    this.#sealing.catch(() => {});
  }

  /** Resolves when every part given to `seal` is on the disk. */
  async sealed(): Promise<void> {
    await this.#sealing;
  }

  async #sealWhole(): Promise<void> {
    const parts = this.#whole.splice(0);
    if (parts.length === 0) return;
    await this.file.datasync();
    for (const part of parts) await this.save(part);
  }

  /** Gives the finished file its name. */
  async finish(path: string): Promise<void> {
    await this.file.datasync();
    await rename(`${this.target}-partial`, path);
    await removePartial(this.target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }
}

/** How much of a download is on disk already. */
export async function partialBytes(target: string, totalBytes: number): Promise<number> {
  return (await savedParts(target, totalBytes))?.reduce((sum, part) => sum + part.completed, 0) ?? 0;
}

export async function removePartial(target: string): Promise<void> {
  await rm(`${target}-partial`, { force: true });
  for (const name of await stateNames(target)) await rm(join(dirname(target), name), { force: true });
}

async function stateNames(target: string): Promise<string[]> {
  const prefix = `${basename(target)}-partial-`;
  const names = await readdir(dirname(target)).catch(() => [] as string[]);
  return names.filter((name) => name.startsWith(prefix) && /^\d{1,6}$/.test(name.slice(prefix.length)));
}

/** undefined unless the states cover the whole file without gap or overlap. */
async function savedParts(target: string, totalBytes: number): Promise<Part[] | undefined> {
  const facts = await stat(`${target}-partial`).catch(() => undefined);
  const names = await stateNames(target);
  if (facts?.size !== totalBytes || names.length === 0 || names.length > MAX_PARTS) return undefined;
  const parts: Part[] = [];
  for (const name of names) {
    const part = await readState(join(dirname(target), name));
    if (part === undefined) return undefined;
    parts.push(part);
  }
  parts.sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const part of parts) {
    if (part.offset !== offset) return undefined;
    offset += part.size;
  }
  return offset === totalBytes ? parts : undefined;
}

async function readState(path: string): Promise<Part | undefined> {
  let state: unknown;
  try {
    if ((await stat(path)).size > MAX_STATE_BYTES) return undefined;
    state = JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
  if (typeof state !== "object" || state === null) return undefined;
  const { N, Offset, Size, Completed } = state as Readonly<Record<string, unknown>>;
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (!isCount(N) || !isCount(Offset) || !isCount(Size) || !isCount(Completed) || Completed > Size || Size === 0)
    return undefined;
  return path.endsWith(`-${N}`) ? { n: N, offset: Offset, size: Size, completed: Completed } : undefined;
}

/** Some 64 parts, none smaller than `partBytes` and few larger than eight times that. */
function cut(totalBytes: number, partBytes: number): Part[] {
  const wanted = Math.ceil(totalBytes / 64);
  const size = Math.max(partBytes, Math.min(wanted, partBytes * 8), Math.ceil(totalBytes / MAX_PARTS));
  const parts: Part[] = [];
  for (let offset = 0; offset < totalBytes; offset += size) {
    parts.push({ n: parts.length, offset, size: Math.min(size, totalBytes - offset), completed: 0 });
  }
  return parts;
}
