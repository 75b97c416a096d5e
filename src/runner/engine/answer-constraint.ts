// Holds an answer to a grammar. A sampled token is checked first; only when it is refused are all tokens checked and the
// others masked. Everything runs in TypeScript: llama.cpp's grammar aborts the process on a token it forbids.

import { AppError } from "../../base/errors.ts";
import { checkGrammar } from "../../formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../formats/grammar/gbnf-match.ts";
import type { Model } from "../llama/model.ts";

const started = new Map<string, GrammarMatcher>();
const GRAMMARS_KEPT = 32;

/** A matcher at the start of the grammar. Requests often bring the same one, and the states seen so far are kept with it. */
function startMatcher(model: Model, text: string): GrammarMatcher {
  const known = started.get(text);
  if (known !== undefined) return known.clone();
  const matcher = GrammarMatcher.create(checkGrammar(text), { tokenId: (token) => model.tokenOf(token) });
  const oldest = started.keys().next().value;
  if (started.size >= GRAMMARS_KEPT && oldest !== undefined) started.delete(oldest);
  started.set(text, matcher);
  return matcher.clone();
}

export class AnswerConstraint {
  readonly #matcher: GrammarMatcher;
  /** Text so far while the grammar is not yet in force. */
  #before: string | undefined;
  readonly #decoder = new TextDecoder();

  /** `after`: the grammar begins behind this text (the end of a model's thinking); undefined: at once. */
  constructor(
    private readonly model: Model,
    grammar: string,
    private readonly after: string | undefined,
  ) {
    this.#matcher = startMatcher(model, grammar);
    this.#before = after === undefined ? undefined : "";
  }

  /** Whether the grammar is in force. */
  get active(): boolean {
    return this.#before === undefined;
  }

  /** The text is complete and nothing may follow. */
  get mustEnd(): boolean {
    return this.active && this.#matcher.mustEnd;
  }

  allows(token: number): boolean {
    if (!this.active) return true;
    if (this.model.isEndOfGeneration(token)) return this.#matcher.canEnd;
    return this.#matcher.allows(this.model.piece(token), token);
  }

  accept(token: number): void {
    if (this.model.isEndOfGeneration(token)) return;
    const bytes = this.model.piece(token);
    if (this.#before === undefined) {
      this.#matcher.accept(bytes, token);
      return;
    }
    this.#before += this.#decoder.decode(bytes, { stream: true });
    const at = this.#before.indexOf(this.after ?? "");
    if (at < 0) return;
    const rest = this.#before.slice(at + (this.after ?? "").length).trimStart();
    this.#before = undefined;
    this.#matcher.advanceText(rest);
  }

  /** Leaves only the tokens that may come next. Throws `internal` when there is none. */
  mask(logits: Float32Array): void {
    let left = 0;
    const byFirstByte = this.model.tokensByFirstByte;
    const allowed = new Uint8Array(logits.length);
    for (let first = 0; first < byFirstByte.length; first++) {
      const tokens = byFirstByte[first];
      if (tokens === undefined || tokens.length === 0 || !this.#mayStartWith(first)) continue;
      for (const token of tokens) {
        if (!this.#matcher.allows(this.model.piece(token), token)) continue;
        allowed[token] = 1;
        left++;
      }
    }
    if (this.#matcher.canEnd) {
      for (const token of this.model.endTokens) {
        allowed[token] = 1;
        left++;
      }
    }
    if (left === 0) throw new AppError("internal", "no token of this model can continue the grammar");
    for (let token = 0; token < logits.length; token++)
      if (allowed[token] === 0) logits[token] = Number.NEGATIVE_INFINITY;
  }

  readonly #oneByte = new Uint8Array(1);

  #mayStartWith(byte: number): boolean {
    this.#oneByte[0] = byte;
    return this.#matcher.allows(this.#oneByte);
  }
}
