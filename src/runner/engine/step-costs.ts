// What steps and tokens have cost so far, smoothed: the figures by which prompts are sliced and drafts are sized.

const OLD = 0.9;
const DRAFT_OLD = 0.6;
/** Share of a drafted token's measured cost that each step without drafts replaces by the guess. */
const FORGOTTEN = 0.02;
/** Fewer prompt tokens than this say little about what one costs. */
const TELLING_PROMPT = 16;

export class StepCosts {
  /** Milliseconds of a step that only answers; 0: not known. */
  stepMs = 0;
  /** Milliseconds of one prompt token in a batch of many. */
  promptTokenMs = 0;
  #draftTokenMs = 0;

  /**
   * Milliseconds that one more token in an answering step costs; before any was tried, what a prompt token costs, but never so
   * much that none would be tried.
   */
  get extraTokenMs(): number {
    return this.#draftTokenMs === 0 ? this.#guessedTokenMs : this.#draftTokenMs;
  }

  get #guessedTokenMs(): number {
    return Math.min(this.promptTokenMs, this.stepMs / 2);
  }

  record(step: { ms: number; tokens: number; answers: number; promptTokens: number; drafted: number }): void {
    const blend = (old: number, value: number) => (old === 0 ? value : old * OLD + value * (1 - OLD));
    if (step.promptTokens >= TELLING_PROMPT) this.promptTokenMs = blend(this.promptTokenMs, step.ms / step.tokens);
    if (step.promptTokens > 0) return;
    if (step.drafted === 0) {
      this.stepMs = blend(this.stepMs, step.ms);
      // What was measured once is not held against drafts for ever: the first batch of a new size also builds its graph.
      if (this.#draftTokenMs > 0) this.#draftTokenMs += (this.#guessedTokenMs - this.#draftTokenMs) * FORGOTTEN;
    } else if (this.stepMs > 0) {
      const value = Math.max(0.001, (step.ms - this.stepMs) / step.drafted);
      const old = this.#draftTokenMs === 0 ? this.#guessedTokenMs : this.#draftTokenMs;
      this.#draftTokenMs = old * DRAFT_OLD + value * (1 - DRAFT_OLD);
    }
  }
}
