// A time to live that no change of the system's clock shortens or stretches, however long it is.

/** The longest wait JavaScript's timers keep; longer ones are renewed. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class IdleTimer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadlineMs = 0;

  constructor(
    private readonly onExpired: () => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Milliseconds that remain; 0 once it has expired, Infinity for ever. */
  get remainingMs(): number {
    return Math.max(0, this.#deadlineMs - this.nowMs());
  }

  /** Expires after `ms` unless it is stopped or started anew; never for Infinity. */
  start(ms: number): void {
    this.#deadlineMs = this.nowMs() + ms;
    this.#arm();
  }

  /** Shows `ms` as what remains without counting down: the model is in use. */
  hold(ms: number): void {
    this.stop();
    this.#deadlineMs = this.nowMs() + ms;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.stop();
    const remaining = this.#deadlineMs - this.nowMs();
    if (!Number.isFinite(remaining)) return;
    const wait = Math.min(Math.max(remaining, 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => {
      if (this.nowMs() >= this.#deadlineMs) this.onExpired();
      else this.#arm();
    }, Math.ceil(wait));
  }
}
