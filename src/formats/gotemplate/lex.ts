// Source text → tokens, with the whitespace trimming of "{{- " and " -}}" done here, as in Go (text/template/parse/lex.go).
// A lexical error is the last token; the parser words it.

import { noFlags, truncate } from "./flags.ts";
import { describeRune, isLetterOrDigit, isPrint, quote } from "./go-text.ts";

export const KEYWORDS = [
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "nil",
  "range",
  "template",
  "with",
] as const;
export type Keyword = (typeof KEYWORDS)[number];

export type TokenKind =
  | "error"
  | "eof"
  | "text"
  | "left-delim"
  | "right-delim"
  | "left-paren"
  | "right-paren"
  | "space"
  | "pipe"
  | "assign"
  | "declare"
  | "char"
  | "dot"
  | "field"
  | "variable"
  | "identifier"
  | "bool"
  | "number"
  | "complex"
  | "char-constant"
  | "string"
  | "raw-string"
  | Keyword;

export interface Token {
  kind: TokenKind;
  /** Index into the source in UTF-16 units. */
  pos: number;
  text: string;
  line: number;
}

const keywordSet: ReadonlySet<string> = new Set(KEYWORDS);

function isKeyword(word: string): word is Keyword {
  return keywordSet.has(word);
}

/** A token as Go's parse errors show it. */
export function describeToken(token: Token): string {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "dot" || isKeyword(token.kind)) return `<${token.text}>`;
  if (Buffer.byteLength(token.text) > 10) return `${quote(truncate(token.text, { ...noFlags(), precision: 10 }))}...`;
  return quote(token.text);
}

function isSpace(char: string): boolean {
  return char === " " || char === "\t" || char === "\r" || char === "\n";
}

function isWordChar(char: string): boolean {
  return char === "_" || isLetterOrDigit(char);
}

/** End of a number starting at `from`; `ok` is false when letters or digits follow it directly. */
function scanNumber(input: string, from: number): { end: number; ok: boolean } {
  const hex = /[+-]?0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?i?/y;
  const based = /[+-]?(?:0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?)i?/y;
  const decimal = /[+-]?[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?i?/y;
  for (const pattern of [hex, based, decimal]) {
    pattern.lastIndex = from;
    const match = pattern.exec(input);
    if (!match) continue;
    const end = from + match[0].length;
    const next = charAt(input, end);
    return isWordChar(next) ? { end: end + next.length, ok: false } : { end, ok: true };
  }
  return { end: from, ok: false };
}

/** The whole character at an index, "" at the end. */
function charAt(input: string, at: number): string {
  const code = input.codePointAt(at);
  return code === undefined ? "" : String.fromCodePoint(code);
}

class Lexer {
  readonly tokens: Token[] = [];
  #start = 0;
  #pos = 0;
  #line = 1;
  #newline: number;
  #parenDepth = 0;
  #insideAction = false;
  #done = false;

  constructor(readonly input: string) {
    this.#newline = this.#newlineFrom(0);
  }

  #newlineFrom(at: number): number {
    const found = this.input.indexOf("\n", at);
    return found < 0 ? Infinity : found;
  }

  run(): Token[] {
    while (!this.#done) {
      if (this.#insideAction) this.#lexInsideAction();
      else this.#lexText();
    }
    return this.tokens;
  }

  #emit(kind: TokenKind): void {
    this.tokens.push({ kind, pos: this.#start, text: this.input.slice(this.#start, this.#pos), line: this.#line });
    this.#ignore();
    if (kind === "eof") this.#done = true;
  }

  #ignore(): void {
    for (; this.#newline < this.#pos; this.#newline = this.#newlineFrom(this.#newline + 1)) this.#line++;
    this.#start = this.#pos;
  }

  #error(message: string): void {
    this.tokens.push({ kind: "error", pos: this.#start, text: message, line: this.#line });
    this.#done = true;
  }

  #lexText(): void {
    const open = this.input.indexOf("{{", this.#pos);
    this.#pos = open < 0 ? this.input.length : open;
    if (open < 0) {
      if (this.#pos > this.#start) this.#emit("text");
      this.#emit("eof");
      return;
    }
    if (this.#hasLeftTrim(open + 2)) {
      while (this.#pos > this.#start && isSpace(this.input.charAt(this.#pos - 1))) this.#pos--;
    }
    if (this.#pos > this.#start) this.#emit("text");
    this.#pos = open;
    this.#ignore();
    this.#lexLeftDelim();
  }

  #hasLeftTrim(at: number): boolean {
    return this.input.charAt(at) === "-" && isSpace(this.input.charAt(at + 1));
  }

  /** Whether the input at `at` closes an action, and whether it also trims the text after it. */
  #rightDelim(at: number): { closes: boolean; trims: boolean } {
    const trims = isSpace(this.input.charAt(at)) && this.input.startsWith("-}}", at + 1);
    return { closes: trims || this.input.startsWith("}}", at), trims };
  }

  #lexLeftDelim(): void {
    this.#pos += 2;
    const marker = this.#hasLeftTrim(this.#pos) ? 2 : 0;
    if (this.input.startsWith("/*", this.#pos + marker)) {
      this.#pos += marker;
      this.#ignore();
      this.#lexComment();
      return;
    }
    this.#emit("left-delim");
    this.#insideAction = true;
    this.#parenDepth = 0;
    this.#pos += marker;
    this.#ignore();
  }

  #lexComment(): void {
    const close = this.input.indexOf("*/", this.#pos + 2);
    if (close < 0) return this.#error("unclosed comment");
    this.#pos = close + 2;
    const { closes, trims } = this.#rightDelim(this.#pos);
    if (!closes) return this.#error("comment ends before closing delimiter");
    this.#pos += trims ? 4 : 2;
    if (trims) this.#skipSpace();
    this.#ignore();
  }

  #skipSpace(): void {
    while (isSpace(this.input.charAt(this.#pos))) this.#pos++;
  }

  #lexRightDelim(trims: boolean): void {
    if (trims) {
      this.#pos += 2;
      this.#ignore();
    }
    this.#pos += 2;
    this.#emit("right-delim");
    if (trims) {
      this.#skipSpace();
      this.#ignore();
    }
    this.#insideAction = false;
  }

  #lexInsideAction(): void {
    const { closes, trims } = this.#rightDelim(this.#pos);
    if (closes) {
      if (this.#parenDepth === 0) this.#lexRightDelim(trims);
      else this.#error("unclosed left paren");
      return;
    }
    const char = charAt(this.input, this.#pos);
    if (char === "") return this.#error("unclosed action");
    if (isSpace(char)) return this.#lexSpace();
    const next = this.input.charAt(this.#pos + 1);
    if (char === ".") {
      // ".5" is a number, and so is a "." at the very end of the input; anything else starts a field.
      const startsNumber = next === "" || (next >= "0" && next <= "9");
      return startsNumber ? this.#lexNumber() : this.#lexName("field");
    }
    if (char === "$") return this.#lexName("variable");
    if (/^[-+0-9]$/.test(char)) return this.#lexNumber();
    if (isWordChar(char)) return this.#lexIdentifier();
    this.#pos += char.length;
    this.#lexPunctuation(char);
  }

  #lexPunctuation(char: string): void {
    switch (char) {
      case "=":
        return this.#emit("assign");
      case ":":
        if (this.input.charAt(this.#pos) !== "=") return this.#error("expected :=");
        this.#pos++;
        return this.#emit("declare");
      case "|":
        return this.#emit("pipe");
      case '"':
        return this.#lexQuoted('"', "string", "unterminated quoted string");
      case "'":
        return this.#lexQuoted("'", "char-constant", "unterminated character constant");
      case "`":
        return this.#lexRawString();
      case "(":
        this.#parenDepth++;
        return this.#emit("left-paren");
      case ")":
        this.#parenDepth--;
        if (this.#parenDepth < 0) return this.#error("unexpected right paren");
        return this.#emit("right-paren");
      default: {
        const code = char.codePointAt(0) ?? 0;
        if (code < 0x80 && isPrint(code)) return this.#emit("char");
        return this.#error(`unrecognized character in action: ${describeRune(code)}`);
      }
    }
  }

  #lexSpace(): void {
    this.#skipSpace();
    // The last space of a run belongs to a trimming delimiter, if one follows.
    if (this.#rightDelim(this.#pos - 1).trims) this.#pos--;
    this.#emit("space");
  }

  #atTerminator(): boolean {
    const char = this.input.charAt(this.#pos);
    return char === "" || isSpace(char) || ".,|:)(".includes(char) || this.input.startsWith("}}", this.#pos);
  }

  #lexName(kind: "field" | "variable"): void {
    this.#pos++;
    if (this.#atTerminator()) return this.#emit(kind === "variable" ? "variable" : "dot");
    this.#lexWord(kind);
  }

  #lexWord(kind: TokenKind): void {
    let char = charAt(this.input, this.#pos);
    while (char !== "" && isWordChar(char)) {
      this.#pos += char.length;
      char = charAt(this.input, this.#pos);
    }
    if (!this.#atTerminator()) return this.#error(`bad character ${describeRune(char.codePointAt(0) ?? 0)}`);
    const word = this.input.slice(this.#start, this.#pos);
    if (kind !== "identifier") return this.#emit(kind);
    if (isKeyword(word)) return this.#emit(word);
    this.#emit(word === "true" || word === "false" ? "bool" : "identifier");
  }

  #lexIdentifier(): void {
    this.#lexWord("identifier");
  }

  #lexQuoted(mark: string, kind: TokenKind, unterminated: string): void {
    for (;;) {
      const char = this.input.charAt(this.#pos++);
      const escaped = char === "\\" ? this.input.charAt(this.#pos++) : undefined;
      if (char === "" || char === "\n" || escaped === "" || escaped === "\n") return this.#error(unterminated);
      if (char === mark) return this.#emit(kind);
    }
  }

  #lexRawString(): void {
    const close = this.input.indexOf("`", this.#pos);
    if (close < 0) return this.#error("unterminated raw quoted string");
    this.#pos = close + 1;
    this.#emit("raw-string");
  }

  #lexNumber(): void {
    const first = scanNumber(this.input, this.#pos);
    this.#pos = first.end;
    const sign = this.input.charAt(this.#pos);
    let ok = first.ok;
    const complex = ok && (sign === "+" || sign === "-");
    if (complex) {
      const imaginary = scanNumber(this.input, this.#pos);
      this.#pos = imaginary.end;
      ok = imaginary.ok && this.input.charAt(this.#pos - 1) === "i";
    }
    if (!ok) return this.#error(`bad number syntax: ${quote(this.input.slice(this.#start, this.#pos))}`);
    this.#emit(complex ? "complex" : "number");
  }
}

export function lex(input: string): Token[] {
  return new Lexer(input).run();
}
