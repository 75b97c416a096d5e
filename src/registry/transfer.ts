// One file from the network to the disk: parts in parallel by range, each taken up where it stopped, stalls answered with a
// fresh connection, sources changed on failure, the digest computed on the way. What arrived is kept whatever happens,
// except when the whole turns out to be something else.

import type { Digest } from "../base/digest.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { humanBytes } from "../base/bytes.ts";
import { isDiskFull } from "../base/disk.ts";
import { logDebug, logInfo } from "../base/log.ts";
import { backOff } from "./backoff.ts";
import { Gathered, release, slices } from "./gathered.ts";
import { type Part, PartsFile, removePartial } from "./parts-file.ts";
import { PrefixHash } from "./prefix-hash.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { RemoteResponse } from "./remote-http.ts";

export interface Source {
  readonly label: string;
  /** Answers 200 with everything or 206 with `range`; throws for any other answer. */
  fetch(range: string | undefined, signal: AbortSignal): Promise<RemoteResponse>;
}

export interface Tuning {
  /** Smallest part. */
  readonly partBytes: number;
  readonly connections: number;
  /** Silence after which a connection is given up. */
  readonly stallMs: number;
  readonly backoffMs: number;
  /** Tries without progress before a part, and with it the download, fails. */
  readonly tries: number;
  /** How much of a part may be lost when the process is killed: less than one part in all connections together. */
  readonly checkpointBytes: number;
  readonly headTimeoutMs: number;
}

export const defaultTuning: Tuning = {
  partBytes: 16e6,
  connections: 8,
  stallMs: 30_000,
  backoffMs: 500,
  tries: 6,
  checkpointBytes: 1.4e6,
  headTimeoutMs: 30_000,
};

export interface Transfer {
  /** Path of the finished file, to which "-partial" is added until then. */
  readonly target: string;
  readonly totalBytes: number;
  readonly sources: readonly Source[];
  /** Which source is in use, counted on without end; shared by the blobs of a pull, so that each need not find out anew. */
  readonly choice: { index: number };
  readonly tuning: Tuning;
  readonly limit: RateLimit;
  readonly signal: AbortSignal;
  readonly onProgress: (completedBytes: number) => void;
  /** Says where the finished file goes by what it turned out to be; throws to refuse it. */
  readonly place: (digest: Digest) => string;
}

/** Less than this in a stall's time is a stall too: a connection that crawls is worth a new one. */
const CRAWL_BYTES = 16 * 1024;

/** Thrown when a server does not serve ranges: everything then comes through one connection. */
const NO_RANGES = Symbol("no ranges");

export async function transferFile(transfer: Transfer): Promise<Digest> {
  await using parts = await PartsFile.open(transfer.target, transfer.totalBytes, transfer.tuning.partBytes);
  const run = new TransferRun(transfer, parts);
  let digest: Digest;
  try {
    digest = await run.complete();
  } catch (error) {
    throw isDiskFull(error) ? diskFull(transfer.totalBytes - parts.completedBytes, error) : error;
  } finally {
    await run.settle();
  }
  let path: string;
  try {
    path = transfer.place(digest);
  } catch (error) {
    await removePartial(transfer.target);
    throw error;
  }
  await parts.finish(path);
  return digest;
}

function diskFull(missingBytes: number, cause?: unknown): AppError {
  const message = `no space left on device: ${humanBytes(missingBytes)} more is needed; what was fetched is kept`;
  return new AppError("internal", message, { cause });
}

class TransferRun {
  readonly #hash: PrefixHash;

  constructor(
    readonly transfer: Transfer,
    readonly parts: PartsFile,
  ) {
    this.#hash = new PrefixHash(parts.file, transfer.totalBytes);
  }

  async complete(): Promise<Digest> {
    this.#report();
    try {
      await this.#inParallel();
    } catch (error) {
      if (error !== NO_RANGES) throw error;
      logInfo("the server does not serve ranges, fetching in one piece", { source: this.#current().label });
      await this.#persist((signal) => this.#wholeFile(signal), this.transfer.signal);
    }
    const digest = await this.#hash.finish();
    await this.parts.sealed();
    return digest;
  }

  /** Nothing reads or writes the file any more. */
  async settle(): Promise<void> {
    await this.#hash[Symbol.asyncDispose]();
    await this.parts.sealed().catch(() => {});
  }

  #current(): Source {
    const { sources, choice } = this.transfer;
    const source = sources[choice.index % sources.length];
    if (source === undefined) throw new AppError("internal", "a download needs a source");
    return source;
  }

  #report(): void {
    this.transfer.onProgress(this.parts.completedBytes);
    this.#hash.advance(this.parts.prefixBytes);
  }

  /** The first failure stops every worker; all have ended when this returns. */
  async #inParallel(): Promise<void> {
    const control = new AbortController();
    const signal = AbortSignal.any([this.transfer.signal, control.signal]);
    const waiting = this.parts.parts.filter((part) => part.completed < part.size);
    const work = async (): Promise<void> => {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
        const current = part;
        await this.#persist((inner) => this.#onePart(current, inner), signal);
      }
    };
    const workers = Array.from({ length: Math.min(this.transfer.tuning.connections, waiting.length) }, work);
    let failure: { readonly error: unknown } | undefined;
    const noteFailure = (error: unknown) => {
      failure ??= { error };
      control.abort(error);
    };
    await Promise.all(workers.map((worker) => worker.catch(noteFailure)));
    if (failure !== undefined) throw failure.error;
  }

  /** Runs `attempt` until it succeeds. Tries that brought something do not count. */
  async #persist(attempt: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { tuning, sources, choice } = this.transfer;
    for (let fruitless = 0; ;) {
      signal.throwIfAborted();
      const before = this.parts.completedBytes;
      const usedSource = choice.index;
      try {
        await attempt(signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error === NO_RANGES || isDiskFull(error)) throw error;
        fruitless = this.parts.completedBytes - before >= CRAWL_BYTES ? 0 : fruitless + 1;
        const known = toAppError(error);
        const hopeless = known.fault !== "busy";
        logDebug("part failed", { source: this.#current().label, error: known.message, fruitless });
        if (fruitless > 0) this.#leave(usedSource);
        if (fruitless >= tuning.tries * sources.length || (hopeless && fruitless >= sources.length)) throw known;
        await backOff(fruitless, tuning.backoffMs, signal, (known.retryAfterSeconds ?? 0) * 1000);
      }
    }
  }

  /** On to the next source; workers that failed together move once. */
  #leave(used: number): void {
    const { sources, choice } = this.transfer;
    if (used !== choice.index || sources.length < 2) return;
    choice.index++;
    logInfo("download goes on from another source", { source: this.#current().label });
  }

  async #onePart(part: Part, signal: AbortSignal): Promise<void> {
    const start = part.offset + part.completed;
    const end = part.offset + part.size;
    const isWhole = start === 0 && end === this.transfer.totalBytes;
    const answer = await this.#fetch(isWhole ? undefined : `bytes=${start}-${end - 1}`, signal);
    try {
      const { status, headers } = answer.response;
      if (!isWhole && status !== 206) throw NO_RANGES;
      if (status === 206) checkRange(headers.get("content-range"), start, end, this.transfer.totalBytes);
      else this.#checkLength(headers.get("content-length"));
      await this.#receive(answer, start, end, signal);
    } finally {
      answer.close();
      if (part.completed < part.size) await this.parts.save(part);
    }
    this.parts.seal(part);
  }

  /** From the first byte on; what is there already is passed over. */
  async #wholeFile(signal: AbortSignal): Promise<void> {
    if (this.parts.completedBytes === this.transfer.totalBytes) return;
    const answer = await this.#fetch(undefined, signal);
    try {
      this.#checkLength(answer.response.headers.get("content-length"));
      await this.#receive(answer, 0, this.transfer.totalBytes, signal);
    } finally {
      answer.close();
    }
    for (const part of this.parts.parts) this.parts.seal(part);
  }

  async #fetch(range: string | undefined, signal: AbortSignal): Promise<RemoteResponse> {
    try {
      return await this.#current().fetch(range, signal);
    } catch (error) {
      if (range !== undefined && error instanceof AppError && error.message.startsWith("416: ")) throw NO_RANGES;
      throw error;
    }
  }

  #checkLength(header: string | null): void {
    if (header !== null && Number(header) !== this.transfer.totalBytes)
      throw new AppError("internal", `the server has ${header} bytes where ${this.transfer.totalBytes} were announced`);
  }

  async #receive(answer: RemoteResponse, start: number, end: number, signal: AbortSignal): Promise<void> {
    const { stallMs } = this.transfer.tuning;
    let windowBytes = 0;
    let stalled = false;
    const enough = this.transfer.limit.isLimited ? 1 : CRAWL_BYTES;
    const watch = setInterval(() => {
      stalled = windowBytes < enough;
      windowBytes = 0;
      if (stalled) answer.close();
    }, stallMs);
    const held = new Gathered(start);
    try {
      for await (const chunk of answer.response.body ?? []) {
        signal.throwIfAborted();
        // Counted here: a chunk that is stored is empty afterwards.
        const bytes = Math.min(chunk.byteLength, end - held.end);
        windowBytes += bytes;
        held.add(chunk.subarray(0, bytes));
        if (held.isDue || this.transfer.limit.isLimited) await this.#store(held);
        await this.transfer.limit.take(bytes, signal);
        if (held.end >= end) break;
      }
    } catch (error) {
      if (signal.aborted || isDiskFull(error)) throw error;
      throw new AppError("busy", stalled ? "stalled" : "unexpected EOF", { cause: error });
    } finally {
      clearInterval(watch);
      await this.#store(held);
    }
    if (held.end < end) throw new AppError("busy", stalled ? "stalled" : "unexpected EOF");
  }

  /** Writes what of `held` is not there yet. */
  async #store(held: Gathered): Promise<void> {
    const { start, end } = held;
    if (end === start) return;
    const chunks = held.take();
    for (const part of this.parts.parts) {
      const from = Math.max(start, part.offset + part.completed);
      const to = Math.min(end, part.offset + part.size);
      if (from >= to) continue;
      await this.parts.write(slices(chunks, from - start, to - start), from);
      part.completed = to - part.offset;
      await this.parts.checkpoint(part, this.transfer.tuning.checkpointBytes);
    }
    release(chunks);
    this.#report();
  }
}

function checkRange(header: string | null, start: number, end: number, total: number): void {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header ?? "");
  const size = match?.[3];
  if (Number(match?.[1]) === start && Number(match?.[2]) === end - 1 && (size === "*" || Number(size) === total))
    return;
  throw new AppError(
    "internal",
    `the server answered with the range ${JSON.stringify(header)}, asked was ${start}-${end - 1} of ${total}`,
  );
}
