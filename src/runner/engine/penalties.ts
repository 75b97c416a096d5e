// Repetition penalties and logit biases, applied in place to the few logits they touch. llama.cpp's own penalty sampler
// looks every token of the vocabulary up in a hash map (about 1 ms a step at 49k tokens); the formula is the same
// (llama-sampler.cpp, llama_sampler_penalties_apply), and test/runner compares both.

import type { SamplingParams } from "../protocol.ts";

export class Penalties {
  readonly #window: number[] = [];
  readonly #counts = new Map<number, number>();
  readonly #size: number;

  constructor(
    private readonly params: Pick<
      SamplingParams,
      "repeatLastN" | "repeatPenalty" | "presencePenalty" | "frequencyPenalty" | "logitBias"
    >,
    contextLimit: number,
  ) {
    // Ollama: repeat_last_n -1 means the whole context.
    this.#size = params.repeatLastN < 0 ? contextLimit : params.repeatLastN;
  }

  get penalizes(): boolean {
    const { repeatPenalty, presencePenalty, frequencyPenalty } = this.params;
    return this.#size > 0 && (repeatPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0);
  }

  /** True when `apply` would change anything. */
  get active(): boolean {
    return this.penalizes || this.params.logitBias.length > 0;
  }

  accept(token: number): void {
    if (!this.penalizes) return;
    this.#window.push(token);
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1);
    if (this.#window.length <= this.#size) return;
    const old = this.#window.shift();
    if (old === undefined) return;
    const count = (this.#counts.get(old) ?? 1) - 1;
    if (count === 0) this.#counts.delete(old);
    else this.#counts.set(old, count);
  }

  acceptPrompt(tokens: readonly number[]): void {
    if (!this.penalizes) return;
    for (const token of tokens.slice(-this.#size)) this.accept(token);
  }

  apply(logits: Float32Array): void {
    for (const [token, bias] of this.params.logitBias) {
      const logit = logits[token];
      if (logit !== undefined) logits[token] = logit + bias;
    }
    if (!this.penalizes) return;
    const { repeatPenalty, presencePenalty, frequencyPenalty } = this.params;
    for (const [token, count] of this.#counts) {
      const logit = logits[token];
      if (logit === undefined) continue;
      const repeated = logit <= 0 ? logit * repeatPenalty : logit / repeatPenalty;
      logits[token] = repeated - count * frequencyPenalty - presencePenalty;
    }
  }
}
