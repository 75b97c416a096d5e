// What steps and tokens have cost so far, smoothed: the figures by which prompts are sliced and drafts are sized.

const OLD = 0.9;
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
    return this.#draftTokenMs === 0 ? Math.min(this.promptTokenMs, this.stepMs / 2) : this.#draftTokenMs;
  }

  record(step: { ms: number; tokens: number; answers: number; promptTokens: number; drafted: number }): void {
    const blend = (old: number, value: number) => (old === 0 ? value : old * OLD + value * (1 - OLD));
    if (step.promptTokens >= TELLING_PROMPT) this.promptTokenMs = blend(this.promptTokenMs, step.ms / step.tokens);
    if (step.promptTokens > 0) return;
    if (step.drafted === 0) this.stepMs = blend(this.stepMs, step.ms);
    else if (this.stepMs > 0) {
      this.#draftTokenMs = blend(this.#draftTokenMs, Math.max(0.001, (step.ms - this.stepMs) / step.drafted));
    }
  }
}
