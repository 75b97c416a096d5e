// A limit on bytes per second over all downloads together: a debt that must be paid off before the next bytes are taken.

import { sleep } from "./backoff.ts";

export class RateLimit {
  #paidUntilMs = 0;

  /** 0 is no limit. */
  constructor(readonly bytesPerSecond: number) {}

  get isLimited(): boolean {
    return this.bytesPerSecond > 0;
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (!this.isLimited) return;
    const nowMs = performance.now();
    const startMs = Math.max(this.#paidUntilMs, nowMs);
    this.#paidUntilMs = startMs + (bytes / this.bytesPerSecond) * 1000;
    if (startMs > nowMs) await sleep(startMs - nowMs, signal);
  }
}
