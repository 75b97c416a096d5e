// A vocabulary under construction: one slot an id, filled from the tokenizer's own table and then from the tokens added
// around it. What a model has rows for but no token becomes padding that no text can match.

import { AppError } from "../../base/errors.ts";

/** llama.h, enum llama_token_type. */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
export type TokenType = keyof typeof TOKEN_TYPES;

export interface Token {
  readonly text: string;
  readonly score: number;
  readonly type: TokenType;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

const ADDED_SCORE = -1000;
const PADDING_SCORE = -10_000;

export class Vocabulary {
  readonly #tokens: (Token | undefined)[];
  #ids: Map<string, number> | undefined;

  /** `rows` is how many tokens the model has vectors for. */
  constructor(readonly rows: number) {
    if (rows > 2 ** 21) throw new AppError("invalid", `config.json: a vocabulary of ${rows} tokens is too large`);
    this.#tokens = Array.from({ length: rows });
  }

  set(id: number, token: Token): void {
    if (id >= this.rows) {
      throw new AppError(
        "invalid",
        `the tokenizer has a token ${id}, but config.json says vocab_size ${this.rows}: they are not of the same model`,
      );
    }
    this.#tokens[id] = token;
    this.#ids = undefined;
  }

  get(id: number): Token | undefined {
    return this.#tokens[id];
  }

  /** Added tokens win over the table. One the model has no vector for can never be used, and is left out. */
  add({ id, content, special }: AddedToken): void {
    if (id >= this.rows) return;
    const before = this.#tokens[id];
    if (before?.type === "unknown" || before?.type === "byte") return;
    const type = special || looksSpecial(content) ? "control" : "userDefined";
    // Matched against the text as the user wrote it, where a space is a space.
    const text = type === "control" ? content : content.replaceAll("▁", " ");
    this.set(id, { text, score: ADDED_SCORE, type });
  }

  idOf(text: string): number | undefined {
    this.#ids ??= new Map(this.#tokens.flatMap((token, id) => (token === undefined ? [] : [[token.text, id]])));
    return this.#ids.get(text);
  }

  *tokens(): Generator<Token, void, undefined> {
    for (let id = 0; id < this.rows; id++) {
      yield this.#tokens[id] ?? { text: `[PAD${id}]`, score: PADDING_SCORE, type: "unused" };
    }
  }
}

/** Marked as ordinary in some models, yet never meant to be typed (llama.cpp: does_token_look_special). */
function looksSpecial(content: string): boolean {
  return (
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].includes(content) ||
    (content.startsWith("<|") && content.endsWith("|>")) ||
    (content.startsWith("<｜") && content.endsWith("｜>")) ||
    /^<unused\d+>$/.test(content)
  );
}
