// GBNF text → rule bodies. The dialect is the one llama.cpp reads (src/llama-grammar.cpp); errors carry line and column.
// Where llama.cpp drops or widens something without a word (empty classes, a maximum over 2,000) this is an error.

import { AppError } from "../../base/errors.ts";
import { type Node, isEmpty } from "./gbnf-ast.ts";
import { charSet } from "./char-set.ts";

const MAX_GRAMMAR_CHARS = 4_000_000;
export const MAX_REPETITION = 2000;
const MAX_GROUP_DEPTH = 64;

/** Rule bodies in the order they are written. */
export type GrammarRules = ReadonlyMap<string, Node>;

export function parseGbnf(text: string): GrammarRules {
  if (text.length > MAX_GRAMMAR_CHARS)
    throw new AppError("invalid", `grammar is longer than ${MAX_GRAMMAR_CHARS} characters`);
  return new GbnfParser(text).parse();
}

const SIMPLE_ESCAPES: Record<string, string> = {
  t: "\t",
  r: "\r",
  n: "\n",
  "\\": "\\",
  '"': '"',
  "[": "[",
  "]": "]",
  "-": "-",
};
const HEX_ESCAPES: Record<string, number> = { x: 2, u: 4, U: 8 };
const NAME_CHAR = /[a-zA-Z0-9-]/;

class GbnfParser {
  private at = 0;

  constructor(private readonly text: string) {}

  parse(): GrammarRules {
    if (this.text.includes("\0")) this.fail("grammar contains a NUL character");
    const rules = new Map<string, Node>();
    this.space(true);
    while (this.at < this.text.length) {
      const start = this.at;
      const name = this.name();
      this.space(false);
      if (!this.text.startsWith("::=", this.at)) this.fail(`expected "::=" after the rule name`);
      this.at += 3;
      this.space(true);
      const body = this.alternatives(0);
      const end = this.text[this.at];
      if (end !== undefined && end !== "\n" && end !== "\r") this.fail("expected a new line or the end of the grammar");
      if (rules.has(name)) this.fail(`rule "${name}" is defined twice`, start);
      rules.set(name, body);
      this.space(true);
    }
    if (rules.size === 0) this.fail("grammar has no rules");
    return rules;
  }

  private alternatives(depth: number): Node {
    if (depth > MAX_GROUP_DEPTH) this.fail(`groups are nested more than ${MAX_GROUP_DEPTH} deep`);
    const options = [this.sequence(depth)];
    while (this.text[this.at] === "|") {
      this.at += 1;
      this.space(true);
      options.push(this.sequence(depth));
    }
    return options.length === 1 && options[0] !== undefined ? options[0] : { is: "choice", options };
  }

  private sequence(depth: number): Node {
    const items: Node[] = [];
    for (;;) {
      const item = this.element(depth);
      if (item === undefined) break;
      this.space(depth > 0);
      items.push(this.quantified(item, depth));
    }
    return items.length === 1 && items[0] !== undefined ? items[0] : { is: "sequence", items };
  }

  private element(depth: number): Node | undefined {
    const char = this.text[this.at];
    if (char === '"') return this.literal();
    if (char === "[") return this.charClass();
    if (char === "<" || char === "!") return this.token();
    if (char === ".") {
      this.at += 1;
      return { is: "any" };
    }
    if (char === "(") {
      this.at += 1;
      this.space(true);
      const body = this.alternatives(depth + 1);
      if (this.text[this.at] !== ")") this.fail(`expected ")"`);
      this.at += 1;
      // A group stays a choice even with one option: llama.cpp gives every group a rule of its own.
      return body.is === "choice" ? body : { is: "choice", options: [body] };
    }
    if (char !== undefined && NAME_CHAR.test(char)) return { is: "rule", name: this.name() };
    if (char !== undefined && "*+?{".includes(char)) this.fail(`"${char}" has nothing before it to repeat`);
    return undefined;
  }

  private quantified(item: Node, depth: number): Node {
    let node = item;
    for (let chained = 0; ; chained++) {
      const bounds = this.bounds(depth);
      if (bounds === undefined) return node;
      if (chained >= MAX_GROUP_DEPTH) this.fail(`more than ${MAX_GROUP_DEPTH} repetitions in a row`);
      const [min, max] = bounds;
      if (isEmpty(node) || (node.is === "repeat" && node.max === 0))
        this.fail("a repetition has nothing before it to repeat");
      node = { is: "repeat", item: node, min, max };
      this.space(depth > 0);
    }
  }

  private bounds(depth: number): [number, number | undefined] | undefined {
    const char = this.text[this.at];
    if (char !== "*" && char !== "+" && char !== "?" && char !== "{") return undefined;
    this.at += 1;
    if (char === "*") return [0, undefined];
    if (char === "+") return [1, undefined];
    if (char === "?") return [0, 1];
    const newlines = depth > 0;
    this.space(newlines);
    const min = this.count();
    let max: number | undefined = min;
    this.space(newlines);
    if (this.text[this.at] === ",") {
      this.at += 1;
      this.space(newlines);
      max = this.text[this.at] === "}" ? undefined : this.count();
      this.space(newlines);
    }
    if (this.text[this.at] !== "}") this.fail(`expected "}"`);
    // llama.cpp loops without end when the maximum is below the minimum, so this must never reach it.
    if (max !== undefined && max < min) this.fail(`repetition {${min},${max}} has its maximum below its minimum`);
    this.at += 1;
    return [min, max];
  }

  private count(): number {
    const digits = this.take(/[0-9]+/y);
    if (digits === "") this.fail("expected a number of repetitions");
    const value = Number(digits);
    if (value > MAX_REPETITION) this.fail(`repetition ${digits} is over the limit of ${MAX_REPETITION}`);
    return value;
  }

  private literal(): Node {
    this.at += 1;
    let text = "";
    while (this.text[this.at] !== '"') text += String.fromCodePoint(this.char());
    this.at += 1;
    return { is: "literal", text };
  }

  private charClass(): Node {
    const start = this.at;
    this.at += 1;
    const negated = this.text[this.at] === "^";
    if (negated) this.at += 1;
    const ranges: [number, number][] = [];
    while (this.text[this.at] !== "]") {
      const low = this.char();
      let high = low;
      if (this.text[this.at] === "-" && this.text[this.at + 1] !== "]") {
        this.at += 1;
        high = this.char();
        if (high < low) this.fail("a character range has its end before its start");
      }
      ranges.push([low, high]);
    }
    this.at += 1;
    if (ranges.length === 0) this.fail("a character class is empty", start);
    return { is: "class", set: charSet(ranges), negated };
  }

  private char(): number {
    const char = this.text[this.at];
    if (char === undefined) this.fail("unexpected end of the grammar");
    if (char !== "\\") {
      const code = this.text.codePointAt(this.at) ?? 0;
      this.at += code > 0xffff ? 2 : 1;
      return code;
    }
    const escape = this.text[this.at + 1] ?? "";
    const simple = SIMPLE_ESCAPES[escape];
    if (simple !== undefined) {
      this.at += 2;
      return simple.charCodeAt(0);
    }
    const length = HEX_ESCAPES[escape];
    if (length === undefined) this.fail(`unknown escape "\\${escape}"`);
    const digits = this.text.slice(this.at + 2, this.at + 2 + length);
    if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits))
      this.fail(`expected ${length} hexadecimal digits after "\\${escape}"`);
    const code = parseInt(digits, 16);
    if (code > 0x10ffff) this.fail(`"\\${escape}${digits}" is not a Unicode code point`);
    this.at += 2 + length;
    return code;
  }

  private token(): Node {
    const start = this.at;
    const negated = this.text[this.at] === "!";
    if (negated) this.at += 1;
    const found = this.take(/<\[[0-9]{1,9}\]>|<(?!\[)[^>\n\r]{1,200}>/y);
    if (found === "") this.fail(`expected a token, such as <[1000]> or <think>`, start);
    return { is: "token", negated, id: found.startsWith("<[") ? Number(found.slice(2, -2)) : found };
  }

  private name(): string {
    const name = this.take(/[a-zA-Z0-9-]+/y);
    if (name === "") this.fail("expected a rule name");
    return name;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private space(newlines: boolean): void {
    this.take(newlines ? /(?:[ \t\r\n]|#[^\r\n]*)+/y : /(?:[ \t]|#[^\r\n]*)+/y);
  }

  private fail(reason: string, at = this.at): never {
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    throw new AppError("invalid", `invalid grammar: line ${line}, column ${column}: ${reason}`);
  }
}
