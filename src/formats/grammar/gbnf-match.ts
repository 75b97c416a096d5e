// Follows one text through a grammar, character by character or token by token, in step with llama.cpp's own matcher.
// A matcher is a position in a shared automaton, so a copy costs nothing and a refused step leaves it where it was.

import type { ParsedGrammar } from "./gbnf-check.ts";
import { GrammarStates, type State } from "./gbnf-states.ts";

/** The beginning of a UTF-8 sequence whose rest has not come yet. */
interface PartialChar {
  readonly value: number;
  readonly missing: number;
}

interface Position {
  readonly state: State;
  readonly partial: PartialChar | undefined;
}

export interface MatcherOptions {
  /** The id of the vocabulary token with exactly this text; needed only for grammars that name tokens by text. */
  readonly tokenId?: (text: string) => number | undefined;
}

export class GrammarMatcher {
  private constructor(
    private readonly states: GrammarStates,
    private position: Position,
  ) {}

  static create(grammar: ParsedGrammar, options: MatcherOptions = {}): GrammarMatcher {
    const states = new GrammarStates(grammar, options.tokenId);
    return new GrammarMatcher(states, { state: states.start, partial: undefined });
  }

  /** A second matcher at the same place that moves on its own. */
  clone(): GrammarMatcher {
    return new GrammarMatcher(this.states, this.position);
  }

  /** Whether what was read so far is a complete text of the grammar. */
  get canEnd(): boolean {
    return this.position.partial === undefined && this.position.state.canEnd;
  }

  /** Whether nothing may follow what was read so far. */
  get mustEnd(): boolean {
    return this.canEnd && this.position.state.tops.length === 0;
  }

  /** Reads one code point; false (and no move) when the grammar forbids it here. */
  advance(codePoint: number): boolean {
    if (this.position.partial !== undefined) return false;
    const state = this.states.step(this.position.state, codePoint);
    if (state === undefined) return false;
    this.position = { state, partial: undefined };
    return true;
  }

  /** Reads a whole text, or nothing of it when some character is forbidden. */
  advanceText(text: string): boolean {
    if (this.position.partial !== undefined) return false;
    let state: State | undefined = this.position.state;
    for (const char of text) {
      state = this.states.step(state, char.codePointAt(0) ?? 0);
      if (state === undefined) return false;
    }
    this.position = { state, partial: undefined };
    return true;
  }

  /** Whether a token with this id and these bytes may come next. Moves nothing. */
  allows(bytes: Uint8Array, tokenId?: number): boolean {
    return this.after(bytes, tokenId) !== undefined;
  }

  /** Reads a token; false (and no move) when the grammar forbids it here. */
  accept(bytes: Uint8Array, tokenId?: number): boolean {
    const next = this.after(bytes, tokenId);
    if (next === undefined) return false;
    this.position = next;
    return true;
  }

  private after(bytes: Uint8Array, tokenId: number | undefined): Position | undefined {
    // llama.cpp never lets a token without text (or one that starts with NUL) through a grammar.
    if (bytes.length === 0 || bytes[0] === 0) return undefined;
    const spelled = this.read(bytes);
    const named = tokenId === undefined ? undefined : this.states.stepToken(this.position.state, tokenId);
    if (named === undefined) return spelled;
    if (spelled === undefined) return { state: named, partial: undefined };
    return { state: this.states.union(spelled.state, named), partial: spelled.partial };
  }

  private read(bytes: Uint8Array): Position | undefined {
    let state: State | undefined = this.position.state;
    let value = this.position.partial?.value ?? 0;
    let missing = this.position.partial?.missing ?? 0;
    for (const byte of bytes) {
      if (missing > 0) {
        if ((byte & 0xc0) !== 0x80) return undefined;
        value = (value << 6) | (byte & 0x3f);
        missing -= 1;
      } else if (byte < 0x80) value = byte;
      else {
        missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
        if (byte < 0xc0 || byte >= 0xf8) return undefined;
        value = byte & (0x3f >> missing);
      }
      if (missing > 0) continue;
      state = this.states.step(state, value);
      if (state === undefined) return undefined;
    }
    if (missing === 0) return { state, partial: undefined };
    return this.states.allowsPartial(state, value, missing) ? { state, partial: { value, missing } } : undefined;
  }
}
