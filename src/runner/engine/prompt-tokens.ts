// From a request's text to tokens. Texts of late are remembered: the same prompt comes again, for several answers at a time or from
// several clients, and cutting 400 tokens out of a text takes a tenth of a small model's step, 8,000 more than two steps.

import { AppError } from "../../base/errors.ts";
import type { Model } from "../llama/model.ts";
import type { GenerateRequest } from "../protocol.ts";

type Vocabulary = Pick<Model, "tokenize" | "vocabSize" | "addsBos" | "bosToken">;

interface Known {
  readonly addSpecial: boolean;
  readonly tokens: readonly number[];
}

/** Characters of all texts that are remembered. */
const MOST_CHARACTERS = 1_000_000;

export class PromptTokens {
  /** By text, the one used last at the end. */
  readonly #known = new Map<string, Known>();
  #characters = 0;

  constructor(private readonly vocabulary: Vocabulary) {}

  /** The tokens that a request continues, and those of its text behind them; at least one. Throws `invalid`. */
  of({
    contextTokens,
    prompt,
    addSpecial,
  }: Pick<GenerateRequest, "contextTokens" | "prompt" | "addSpecial">): number[] {
    const { vocabSize, addsBos, bosToken } = this.vocabulary;
    for (const token of contextTokens) {
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
        throw new AppError("invalid", `context holds ${token}, which is no token of this model`);
      }
    }
    const special = addSpecial && contextTokens.length === 0;
    const tokens = [...contextTokens, ...this.#tokensOf(prompt, special)];
    // A template that writes BOS itself must not get a second one (llama.cpp only warns about it).
    if (special && addsBos && tokens[0] === bosToken && tokens[1] === bosToken) tokens.shift();
    if (tokens.length === 0) tokens.push(Math.max(0, bosToken));
    return tokens;
  }

  #tokensOf(text: string, addSpecial: boolean): readonly number[] {
    const known = this.#known.get(text);
    this.#forget(text);
    const tokens =
      known?.addSpecial === addSpecial
        ? known.tokens
        : Array.from(this.vocabulary.tokenize(text, { addSpecial, parseSpecial: true }));
    this.#remember(text, { addSpecial, tokens });
    return tokens;
  }

  #remember(text: string, known: Known): void {
    if (text.length > MOST_CHARACTERS) return;
    this.#known.set(text, known);
    this.#characters += text.length;
    for (const oldest of this.#known.keys()) {
      if (this.#characters <= MOST_CHARACTERS) return;
      this.#forget(oldest);
    }
  }

  #forget(text: string): void {
    if (this.#known.delete(text)) this.#characters -= text.length;
  }
}
