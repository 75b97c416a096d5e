// A parser's view of the token stream: look-ahead, Go's wording of syntax errors, and the nesting bound.
// Sources are anonymous, so a place reads ":line" (text/template/parse/parse.go).

import { AppError } from "../../base/errors.ts";
import type { ListNode } from "./ast.ts";
import { unquote } from "./go-text.ts";
import { describeToken, type Token, type TokenKind } from "./lex.ts";

// Go allows 10000 nested parentheses and any depth of blocks; its stacks grow, ours does not.
const MAX_NESTING = 500;

/** What the parsers of one source share: a define or block inside gets a parser of its own. */
export interface Shared {
  readonly tokens: readonly Token[];
  nextToken: number;
  nesting: number;
  readonly trees: Map<string, ListNode>;
  readonly isFunction: (name: string) => boolean;
}

export class TokenReader {
  #lookahead: Token[] = [];
  // Go reports the line of the token read last, even when it was only peeked at.
  #lastLine = 0;
  #actionLine = 0;

  constructor(readonly shared: Shared) {}

  protected next(): Token {
    const pending = this.#lookahead.shift();
    if (pending) return pending;
    const { tokens } = this.shared;
    const token = tokens[Math.min(this.shared.nextToken++, tokens.length - 1)];
    if (!token) throw new AppError("internal", "template: no tokens");
    this.#lastLine = token.line;
    return token;
  }

  protected putBack(...tokens: readonly Token[]): void {
    this.#lookahead.unshift(...tokens);
  }

  protected peek(): Token {
    const token = this.next();
    this.putBack(token);
    return token;
  }

  protected nextNonSpace(): Token {
    let token = this.next();
    while (token.kind === "space") token = this.next();
    return token;
  }

  protected peekNonSpace(): Token {
    const token = this.nextNonSpace();
    this.putBack(token);
    return token;
  }

  protected expect(kinds: readonly TokenKind[], context: string): Token {
    const token = this.nextNonSpace();
    if (!kinds.includes(token.kind)) this.unexpected(token, context);
    return token;
  }

  protected fail(message: string): never {
    throw new AppError("invalid", `template: :${this.#lastLine}: ${message}`);
  }

  protected unexpected(token: Token, context: string): never {
    if (token.kind !== "error") this.fail(`unexpected ${describeToken(token)} in ${context}`);
    let extra = "";
    if (this.#actionLine !== 0 && this.#actionLine !== token.line) {
      extra = `${token.text.endsWith(" action") ? "" : " in action"} started at :${this.#actionLine}`;
    }
    this.fail(token.text + extra);
  }

  protected nested<T>(parse: () => T): T {
    if (this.shared.nesting >= MAX_NESTING) this.fail("max expression depth exceeded");
    this.shared.nesting++;
    const result = parse();
    this.shared.nesting--;
    return result;
  }

  protected unquote(token: Token): string {
    const text = unquote(token.text);
    return text === undefined ? this.fail("invalid syntax") : text;
  }

  /** Errors in what `parse` reads are placed in the action that starts at `line`. */
  protected inAction<T>(line: number, parse: () => T): T {
    this.#actionLine = line;
    const result = this.nested(parse);
    this.#actionLine = 0;
    return result;
  }
}
