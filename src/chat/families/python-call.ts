// Calls written like Python: `[f(a='x', n=3), g()]`, `f(a="x")` per line. Values may be Python or JSON literals; a bare word is
// a string. Ollama's parsers (lfm2.go, olmo3.go) leave most escapes in strings as they are; here they are resolved, so that
// what the templates write as JSON strings comes back unchanged.

import { setArgument, type JsonObject } from "./json-call.ts";
import type { ParsedCall } from "./segments.ts";
import { isSpace } from "./whitespace.ts";

const MAX_DEPTH = 64;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WORDS: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  null: null,
  None: null,
  nil: null,
};
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "/": "/" };

/** All calls in `text`, or undefined unless it is nothing but calls. */
export function parsePythonCalls(text: string): ParsedCall[] | undefined {
  try {
    return new PythonReader(text).calls();
  } catch (error) {
    if (error instanceof NotPython) return undefined;
    throw error;
  }
}

class NotPython extends Error {}

class PythonReader {
  #at = 0;
  #depth = 0;

  constructor(private readonly text: string) {}

  calls(): ParsedCall[] {
    this.#skipSpace();
    const bracketed = this.#take("[");
    const calls: ParsedCall[] = [];
    for (;;) {
      this.#skipSpace();
      while (this.#take(",") || this.#take(";")) this.#skipSpace();
      if (bracketed && this.#take("]")) break;
      if (this.#at >= this.text.length) break;
      calls.push(this.#call());
    }
    this.#skipSpace();
    if (this.#at < this.text.length || calls.length === 0) throw new NotPython();
    return calls;
  }

  #call(): ParsedCall {
    const open = this.text.indexOf("(", this.#at);
    const name = open === -1 ? "" : this.text.slice(this.#at, open).trim();
    if (!/^[\p{L}\p{N}_.$-]+$/u.test(name)) throw new NotPython();
    this.#at = open + 1;
    const args: JsonObject = {};
    for (;;) {
      this.#skipSpace();
      if (this.#take(")")) return { name, arguments: args };
      if (this.#take(",")) continue;
      const key = /^[\p{L}\p{N}_.$-]+\s*=/u.exec(this.text.slice(this.#at, this.#at + 256))?.[0];
      if (key === undefined) throw new NotPython();
      this.#at += key.length;
      setArgument(args, key.slice(0, -1).trim(), this.#value(",)"));
    }
  }

  #value(ends: string): unknown {
    this.#skipSpace();
    const char = this.text[this.#at];
    if (char === undefined) throw new NotPython();
    if (++this.#depth > MAX_DEPTH) throw new NotPython();
    let value: unknown;
    if (char === '"' || char === "'") value = this.#string();
    else if (char === "[") value = this.#list("]");
    else if (char === "{") value = this.#dictionary();
    else value = this.#word(ends);
    this.#depth--;
    return value;
  }

  #string(): string {
    const quote = this.text[this.#at] ?? "";
    const long = this.text.startsWith(quote.repeat(3), this.#at);
    const close = long ? quote.repeat(3) : quote;
    this.#at += close.length;
    let value = "";
    while (!this.text.startsWith(close, this.#at) || !this.#mayEndHere(close.length)) {
      const char = this.text[this.#at++];
      if (char === undefined) throw new NotPython();
      value += char === "\\" ? this.#escape() : char;
    }
    this.#at += close.length;
    return value;
  }

  /** LFM2.5's own template leaves quotes inside strings as they are, so one counts only where a value can end. */
  #mayEndHere(length: number): boolean {
    let at = this.#at + length;
    while (isSpace(this.text[at])) at++;
    const next = this.text[at];
    return next === undefined || ",)]}:;".includes(next);
  }

  #escape(): string {
    const char = this.text[this.#at++] ?? "";
    const digits = char === "u" ? 4 : char === "x" ? 2 : 0;
    if (digits > 0) {
      const hex = this.text.slice(this.#at, this.#at + digits);
      if (/^[0-9a-fA-F]+$/.test(hex) && hex.length === digits) {
        this.#at += digits;
        return String.fromCharCode(Number.parseInt(hex, 16));
      }
    }
    if (char === "\\" || char === '"' || char === "'") return char;
    return ESCAPES[char] ?? `\\${char}`;
  }

  #list(close: string): unknown[] {
    this.#at++;
    const items: unknown[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#take(close)) return items;
      if (this.#take(",")) continue;
      items.push(this.#value(`,${close}`));
    }
  }

  #dictionary(): JsonObject {
    this.#at++;
    const entries: JsonObject = {};
    for (;;) {
      this.#skipSpace();
      if (this.#take("}")) return entries;
      if (this.#take(",")) continue;
      const char = this.text[this.#at];
      const key = char === '"' || char === "'" ? this.#string() : String(this.#word(":"));
      this.#skipSpace();
      if (!this.#take(":")) throw new NotPython();
      setArgument(entries, key, this.#value(",}"));
    }
  }

  /** An unquoted literal: a number, a constant, or else its own text. Brackets inside it must balance. */
  #word(ends: string): unknown {
    const start = this.#at;
    let open = 0;
    for (; this.#at < this.text.length; this.#at++) {
      const char = this.text[this.#at] ?? "";
      if (open === 0 && ends.includes(char)) break;
      if ("([{".includes(char)) open++;
      else if (")]}".includes(char)) open--;
    }
    if (this.#at >= this.text.length) throw new NotPython();
    const word = this.text.slice(start, this.#at).trim();
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    return NUMBER.test(word) ? Number(word) : word;
  }

  #take(expected: string): boolean {
    if (!this.text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #skipSpace(): void {
    while (isSpace(this.text[this.#at])) this.#at++;
  }
}
