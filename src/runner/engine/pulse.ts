// What the server's watchdog goes by: a word now and then after work that was really done, and one beforehand where a batch may
// take long. A loop that turns without evaluating anything says nothing.

import type { FromRunner } from "../protocol.ts";

const EVERY_MS = 1_000;
/** Batches that take less at most are not announced. */
const TELLING_MS = 10_000;
/** A batch may take this many times what its tokens have cost so far: other programs compute, contexts grow. */
const SLACK = 20;
/** Before anything was measured: each token passes all weights, on no machine slower than this. */
const SLOWEST_BYTES_PER_MS = 500e3;

export class Pulse {
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly modelBytes: number,
    private readonly emit: (message: FromRunner) => void,
  ) {}

  /** Before a batch of `tokens`, one of which has cost `tokenMs` so far (0: not known). */
  announce(tokens: number, tokenMs: number): void {
    const upToMs = tokens * (tokenMs > 0 ? tokenMs * SLACK : this.modelBytes / SLOWEST_BYTES_PER_MS);
    if (upToMs >= TELLING_MS) this.emit({ type: "alive", nextMs: upToMs });
  }

  /** After a batch was evaluated. */
  beat(nowMs: number): void {
    if (nowMs - this.#saidMs < EVERY_MS) return;
    this.#saidMs = nowMs;
    this.emit({ type: "alive", nextMs: 0 });
  }
}
