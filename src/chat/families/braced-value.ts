// The arguments of Gemma's calls: `{key:value,key:value}` with bare keys and strings between a delimiter of their own
// (<escape> in FunctionGemma, <|"|> in Gemma 4). Forgiving where Ollama repairs (model/parsers/gemma4.go): single quotes,
// a last string or object left open.

import { parseJson, setArgument, type JsonObject } from "./json-call.ts";
import { isSpace, trim, trimEnd } from "./whitespace.ts";

const MAX_DEPTH = 64;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const WORDS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };
const KEY = /^(?:[\p{L}\p{N}_.$-]+|"(?:[^"\\]|\\.)*")\s*:/u;

export interface BracedForm {
  delimiter: string;
  /** Nothing is repaired: the text may have been cut off, and half a value must not become a call. */
  strict: boolean;
  /** Whether text without quotes may stand for a string as the value of this top-level key. */
  bareString(key: string): boolean;
}

export function parseBraced(text: string, form: BracedForm): JsonObject | undefined {
  try {
    return new BracedReader(trim(text), form).whole();
  } catch (error) {
    if (error instanceof NotBraced) return undefined;
    throw error;
  }
}

class NotBraced extends Error {}

class BracedReader {
  #at = 0;
  #depth = 0;
  #repaired = false;

  constructor(
    private readonly text: string,
    private readonly form: BracedForm,
  ) {}

  whole(): JsonObject {
    if (!this.#take("{")) throw new NotBraced();
    const value = this.#object();
    this.#skipSpace();
    if (this.#at < this.text.length || (this.#repaired && this.form.strict)) throw new NotBraced();
    return value;
  }

  #object(): JsonObject {
    const entries: JsonObject = {};
    for (;;) {
      this.#skipSpace();
      if (this.#take("}")) return entries;
      if (this.#take(",")) continue;
      // An object may lack its end only where something else had to be repaired too; otherwise it was cut off.
      if (this.#at >= this.text.length && this.#repaired) return entries;
      const key = this.#key();
      setArgument(entries, key, this.#value(this.#depth === 0 ? key : undefined));
    }
  }

  #key(): string {
    const { delimiter } = this.form;
    if (this.#take(delimiter)) {
      const end = this.text.indexOf(delimiter, this.#at);
      if (end === -1) throw new NotBraced();
      const key = this.text.slice(this.#at, end);
      this.#at = end + delimiter.length;
      this.#skipSpace();
      if (!this.#take(":")) throw new NotBraced();
      return key;
    }
    const match = KEY.exec(this.text.slice(this.#at, this.#at + 512))?.[0];
    if (match === undefined) throw new NotBraced();
    this.#at += match.length;
    const key = trim(match.slice(0, -1));
    const quoted = key.startsWith('"') ? parseJson(key) : undefined;
    return typeof quoted === "string" ? quoted : key;
  }

  #value(topLevelKey: string | undefined): unknown {
    this.#skipSpace();
    if (this.#take(this.form.delimiter)) return this.#delimited(this.form.delimiter);
    const char = this.text[this.#at];
    if (char === '"') return this.#jsonString();
    if (char === "'") return this.#singleQuoted();
    if (++this.#depth > MAX_DEPTH) throw new NotBraced();
    let value: unknown;
    if (this.#take("{")) value = this.#object();
    else if (this.#take("[")) value = this.#list();
    else value = this.#bare(topLevelKey);
    this.#depth--;
    return value;
  }

  #delimited(delimiter: string): string {
    const end = this.text.indexOf(delimiter, this.#at);
    const start = this.#at;
    if (end !== -1) {
      this.#at = end + delimiter.length;
      return this.text.slice(start, end);
    }
    // Left open: it runs to the bracket that closes the whole, or to the end.
    this.#repaired = true;
    const rest = trimEnd(this.text.slice(start));
    const closed = rest.endsWith("}") || rest.endsWith("]");
    this.#at = closed ? start + rest.length - 1 : this.text.length;
    return closed ? rest.slice(0, -1) : rest;
  }

  #jsonString(): string {
    const match = /^"(?:[^"\\]|\\.)*"/s.exec(this.text.slice(this.#at));
    const value = match === null ? undefined : parseJson(match[0]);
    if (match === null || typeof value !== "string") throw new NotBraced();
    this.#at += match[0].length;
    return value;
  }

  #singleQuoted(): string {
    let value = "";
    for (let at = this.#at + 1; at < this.text.length; at++) {
      const char = this.text[at] ?? "";
      if (char === "\\" && at + 1 < this.text.length) value += char + (this.text[++at] ?? "");
      else if (char !== "'") value += char;
      else {
        this.#at = at + 1;
        this.#repaired = true;
        this.#take(this.form.delimiter); // a stray delimiter often follows
        return value;
      }
    }
    throw new NotBraced();
  }

  #list(): unknown[] {
    const items: unknown[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#take("]")) return items;
      if (this.#take(",")) continue;
      if (this.#at >= this.text.length) throw new NotBraced();
      items.push(this.#value(undefined));
    }
  }

  #bare(topLevelKey: string | undefined): unknown {
    const start = this.#at;
    const end = /[,}\]]/.exec(this.text.slice(start))?.index;
    const word = trim(this.text.slice(start, end === undefined ? undefined : start + end));
    if (end !== undefined && (Object.hasOwn(WORDS, word) || NUMBER.test(word))) {
      this.#at = start + end;
      return Object.hasOwn(WORDS, word) ? WORDS[word] : Number(word);
    }
    return this.#bareString(start, topLevelKey, end);
  }

  /** Unquoted text: up to the next `,key:` at the top level, or to the closing brace of the whole. */
  #bareString(start: number, key: string | undefined, nestedEnd: number | undefined): string {
    if (key === undefined || !this.form.bareString(key)) {
      if (key !== undefined || nestedEnd === undefined || !this.form.bareString("")) throw new NotBraced();
      this.#at = start + nestedEnd;
      return trim(this.text.slice(start, this.#at));
    }
    this.#repaired = true;
    const rest = this.text.slice(start);
    const next = /,\s*[\p{L}\p{N}_]+\s*:/u.exec(rest)?.index;
    const trimmed = trimEnd(rest);
    const length = next ?? (trimmed.endsWith("}") ? trimmed.length - 1 : rest.length);
    this.#at = start + length;
    return rest.slice(0, length);
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
