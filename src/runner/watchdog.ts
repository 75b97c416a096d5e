// Notices a runner that hangs: there is work, but it neither says anything nor computes. A slow one computes, and a computer
// that was asleep counts as one look, so neither is mistaken for it. Needs Linux's process table; elsewhere nothing is watched.

import { processFacts } from "../base/process-facts.ts";

/** So many looks in a row without a sign of life, spread over the limit. */
const LOOKS = 6;

export interface WatchdogParts {
  readonly pid: number;
  readonly limitMs: number;
  readonly isBusy: () => boolean;
  readonly onHang: () => void;
  /** A number that grows while the process lives; undefined: cannot be told. */
  readonly progress?: () => number | undefined;
}

export class Watchdog implements Disposable {
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #heard = false;
  #progress = -1;
  #quietLooks = 0;

  constructor(private readonly parts: WatchdogParts) {
    if (!Number.isFinite(parts.limitMs)) return;
    this.#timer = setInterval(() => this.look(), Math.max(1, parts.limitMs / LOOKS));
    this.#timer.unref();
  }

  /** A message arrived. */
  hear(): void {
    this.#heard = true;
  }

  look(): void {
    const { pid, isBusy, onHang } = this.parts;
    const progress = this.parts.progress === undefined ? processFacts(pid)?.progress : this.parts.progress();
    const isQuiet = isBusy() && !this.#heard && progress !== undefined && progress === this.#progress;
    this.#heard = false;
    this.#progress = progress ?? -1;
    this.#quietLooks = isQuiet ? this.#quietLooks + 1 : 0;
    if (this.#quietLooks >= LOOKS) onHang();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
