// Reads a request body as Go's json.Decoder does for Ollama: the first JSON value counts and what follows is ignored,
// and a malformed one is refused in Go's words, which clients show to people.

import { AppError } from "../base/errors.ts";

const MAX_DEPTH = 10_000;
/** Each becomes an object or a slot of one: twenty times as much memory as text. */
const MAX_VALUES = 1_000_000;

export interface JsonText {
  readonly value: unknown;
  /** A number of the value as it was written, where JavaScript would write it otherwise. */
  readonly literalOf: (holder: object, key: string) => string | undefined;
}

/** Throws `invalid`: "missing request body" for blank text, otherwise the decoder's message. */
export function readFirstJson(text: string): JsonText {
  const deepest = tooDeepAt(text);
  if (deepest !== undefined) throw invalid(`invalid character ${quoteChar(deepest)} exceeded max depth`);
  if (holdsTooMany(text)) throw invalid(`exceeded ${MAX_VALUES} values`);
  try {
    return parse(text);
  } catch {
    return parse(text.slice(0, new Scanner(text).scanFirst()));
  }
}

/** Only a number of these can be written otherwise; texts may hold what looks like one. */
const ODD_NUMBER = /[:[,]\s*-?\d+(?:[.eE]|\d{15})/;

function parse(text: string): JsonText {
  if (!ODD_NUMBER.test(text)) return { value: JSON.parse(text) as unknown, literalOf: () => undefined };
  const literals = new WeakMap<object, Map<string, string>>();
  const note = function (this: object, key: string, value: unknown, context?: { source?: string }): unknown {
    if (typeof value !== "number" || context?.source === undefined || context.source === String(value)) return value;
    const own = literals.get(this) ?? new Map<string, string>();
    literals.set(this, own.set(key, context.source));
    return value;
  };
  return { value: JSON.parse(text, note) as unknown, literalOf: (holder, key) => literals.get(holder)?.get(key) };
}

export function parseFirstJson(text: string): unknown {
  return readFirstJson(text).value;
}

function invalid(message: string): AppError {
  return new AppError("invalid", message);
}

/** JSON.parse itself knows no limit, but what walks its result later would run out of stack. The bracket that is one too many. */
function tooDeepAt(text: string): string | undefined {
  // Only a text with that many opening brackets is looked at closely.
  if (count(text, "[", MAX_DEPTH) + count(text, "{", MAX_DEPTH) <= MAX_DEPTH) return undefined;
  let depth = 0;
  for (const [token] of text.matchAll(/[[\]{}]|"(?:[^"\\]|\\.)*(?:"|$)/gs)) {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    if (depth > MAX_DEPTH) return token;
  }
  return undefined;
}

/** How often a character stands in a text, counted no further than just beyond `most`. */
function count(text: string, char: string, most: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at >= 0 && found <= most; at = text.indexOf(char, at + 1)) found++;
  return found;
}

function holdsTooMany(text: string): boolean {
  if (count(text, ",", MAX_VALUES) <= MAX_VALUES) return false;
  // Prose has commas too: now those in strings are left out.
  let commas = 0;
  for (const [token] of text.matchAll(/,|"(?:[^"\\]|\\.)*(?:"|$)/gs)) {
    if (token === ",") commas++;
    if (commas > MAX_VALUES) return true;
  }
  return false;
}

const NAMED: Readonly<Record<string, string>> = {
  "\n": "n",
  "\r": "r",
  "\t": "t",
  "\b": "b",
  "\f": "f",
  "\v": "v",
  "\u0007": "a",
};

/** As strconv.Quote does; Go looks at bytes, so of a character beyond ASCII it shows the first byte (scanner.go, quoteChar). */
function quoteChar(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  if (char === "\\") return `'\\\\'`;
  const named = NAMED[char];
  if (named !== undefined) return `'\\${named}'`;
  const byte = Buffer.from(char, "utf8")[0] ?? 0;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, "0")}'`;
  return byte < 0x80 ? `'${char}'` : `'${String.fromCharCode(byte)}'`;
}

/** Finds where the first value ends, or says what is wrong with it (encoding/json scanner.go states). */
class Scanner {
  #at = 0;

  constructor(private readonly text: string) {}

  scanFirst(): number {
    this.#space();
    if (this.#at >= this.text.length) throw invalid("missing request body");
    this.#value(0);
    return this.#at;
  }

  #peek(): string {
    const code = this.text.codePointAt(this.#at);
    if (code === undefined) throw invalid("unexpected EOF");
    return String.fromCodePoint(code);
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.text[this.#at] ?? "")) this.#at++;
  }

  #fail(context: string): never {
    throw invalid(`invalid character ${quoteChar(this.#peek())} ${context}`);
  }

  #value(depth: number): void {
    this.#space();
    const char = this.#peek();
    if (depth > MAX_DEPTH) this.#fail("exceeded max depth");
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"') return this.#string();
    if (char === "-" || (char >= "0" && char <= "9")) return this.#number();
    for (const word of ["true", "false", "null"]) if (char === word[0]) return this.#literal(word);
    return this.#fail("looking for beginning of value");
  }

  #object(depth: number): void {
    this.#at++;
    this.#space();
    if (this.#peek() === "}") return void this.#at++;
    for (;;) {
      this.#space();
      if (this.#peek() !== '"') this.#fail("looking for beginning of object key string");
      this.#string();
      this.#space();
      if (this.#peek() !== ":") this.#fail("after object key");
      this.#at++;
      this.#value(depth + 1);
      this.#space();
      const next = this.#peek();
      if (next !== "," && next !== "}") this.#fail("after object key:value pair");
      this.#at++;
      if (next === "}") return;
    }
  }

  #array(depth: number): void {
    this.#at++;
    this.#space();
    if (this.#peek() === "]") return void this.#at++;
    for (;;) {
      this.#value(depth + 1);
      this.#space();
      const next = this.#peek();
      if (next !== "," && next !== "]") this.#fail("after array element");
      this.#at++;
      if (next === "]") return;
    }
  }

  #string(): void {
    for (this.#at++; ; this.#at++) {
      const char = this.#peek();
      if (char === '"') break;
      if (char < " ") this.#fail("in string literal");
      if (char === "\\") this.#escape();
    }
    this.#at++;
  }

  #escape(): void {
    this.#at++;
    const char = this.#peek();
    if (char === "u") {
      for (let i = 0; i < 4; i++) {
        this.#at++;
        if (!/[0-9a-fA-F]/.test(this.#peek())) this.#fail("in \\u hexadecimal character escape");
      }
    } else if (!'"\\/bfnrt'.includes(char)) this.#fail("in string escape code");
  }

  #number(): void {
    if (this.#peek() === "-") this.#at++;
    if (this.#peek() === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.text[this.#at] === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (!/[eE]/.test(this.text[this.#at] ?? "")) return;
    this.#at++;
    if (/[+-]/.test(this.#peek())) this.#at++;
    this.#digits("in exponent of numeric literal");
  }

  #digits(context: string): void {
    if (!/\d/.test(this.#peek())) this.#fail(context);
    while (/\d/.test(this.text[this.#at] ?? "")) this.#at++;
  }

  #literal(word: string): void {
    for (const expected of word) {
      if (this.#peek() !== expected) this.#fail(`in literal ${word} (expecting ${quoteChar(expected)})`);
      this.#at++;
    }
  }
}
