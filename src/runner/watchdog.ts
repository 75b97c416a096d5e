// Notices a child that hangs: it has work, but neither says anything nor computes; or it computes for ever and gets nowhere.
// Looks are counted, not hours: a computer that was asleep counts as one. Whether a process computes is told by Linux's
// process table; elsewhere only the second limit holds, for a child that does nothing as for one that does too much.

import { processFacts } from "../base/process-facts.ts";

/** So many looks in a row without a sign of life, spread over the limit. */
const LOOKS = 6;
/** A child that computes may be silent for this many times the limit, and for what its work is known to take beyond that. */
const COMPUTING_LIMITS = 10;
/** No disk that a model is used from reads slower than this, even where memory is short and it is read again and again. */
const SLOWEST_DISK_BYTES_PER_MS = 20e3;

export interface WatchdogParts {
  readonly pid: number;
  readonly limitMs: number;
  readonly isBusy: () => boolean;
  readonly onHang: () => void;
  /** Bytes that one piece of its work may have to read; undefined: it may compute without a word for as long as it likes. */
  readonly workBytes: () => number | undefined;
  /** A number that grows while the process computes; undefined: cannot be told. */
  readonly progress?: () => number | undefined;
}

export class Watchdog implements Disposable {
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #heard = false;
  #announcedMs = 0;
  #progress = -1;
  #stillLooks = 0;
  #silentLooks = 0;
  #verdict: string | undefined;

  constructor(private readonly parts: WatchdogParts) {
    if (!Number.isFinite(parts.limitMs)) return;
    this.#timer = setInterval(() => this.look(), Math.max(1, this.#everyMs));
    this.#timer.unref();
  }

  /** A message arrived. It may announce how long the next one can take to come. */
  hear(announcedMs = 0): void {
    this.#heard = true;
    this.#announcedMs = announcedMs;
  }

  /** Why it was ended; undefined while it is well. */
  get verdict(): string | undefined {
    return this.#verdict;
  }

  look(): void {
    if (this.#verdict !== undefined) return;
    const { pid, isBusy, onHang, limitMs } = this.parts;
    const progress = this.parts.progress === undefined ? computedBy(pid) : this.parts.progress();
    const isSilent = isBusy() && !this.#heard;
    const isStill = isSilent && progress !== undefined && progress === this.#progress;
    this.#heard = false;
    this.#progress = progress ?? -1;
    this.#silentLooks = isSilent ? this.#silentLooks + 1 : 0;
    this.#stillLooks = isStill ? this.#stillLooks + 1 : 0;
    if (this.#stillLooks >= LOOKS) {
      this.#verdict = `it neither answered nor computed for ${seconds(limitMs)} seconds`;
    } else if (this.#silentLooks * this.#everyMs >= this.#patienceMs) {
      this.#verdict = `it computed for ${seconds(this.#silentLooks * this.#everyMs)} seconds without getting anywhere`;
    } else return;
    onHang();
  }

  get #everyMs(): number {
    return this.parts.limitMs / LOOKS;
  }

  get #patienceMs(): number {
    const bytes = this.parts.workBytes();
    if (bytes === undefined) return Number.POSITIVE_INFINITY;
    return COMPUTING_LIMITS * this.parts.limitMs + bytes / SLOWEST_DISK_BYTES_PER_MS + this.#announcedMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function computedBy(pid: number): number | undefined {
  const facts = processFacts(pid);
  // One that waits for a disk (flushing gigabytes, say) cannot be ended by anything either.
  return facts?.state === "D" ? undefined : facts?.progress;
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
