// Times of one answer as they are seen from here, and the usage made of them. A dead engine counts no tokens: what it did not
// say stays 0, which clients show as unknown.

import type { Usage } from "../model.ts";

export interface TokenCounts {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
}

export class Clock {
  readonly #startedMs = performance.now();
  #firstMs: number | undefined;

  begun(): void {
    this.#firstMs ??= performance.now();
  }

  get promptMs(): number {
    return (this.#firstMs ?? performance.now()) - this.#startedMs;
  }

  get generateMs(): number {
    return this.#firstMs === undefined ? 0 : performance.now() - this.#firstMs;
  }

  usage(counts: TokenCounts): Usage {
    return {
      ...counts,
      promptMs: this.promptMs,
      generateMs: this.generateMs,
      loadMs: 0,
      totalMs: performance.now() - this.#startedMs,
      truncatedTokens: 0,
      shiftedTokens: 0,
    };
  }
}
