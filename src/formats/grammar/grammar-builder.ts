// Collects the rules of a grammar under construction: unique names, shared JSON rules made on first use, repetition counts
// beyond the native limit split in two levels, and a last pass that drops whatever can never be completed.

import { AppError } from "../../base/errors.ts";
import { UNESCAPED } from "./automaton-to-gbnf.ts";
import { charSet, charsOf } from "./char-set.ts";
import { type Node, chars, choice, literal, optional, repeat, rule, sequence } from "./gbnf-ast.ts";
import { MAX_REPETITION } from "./gbnf-parse.ts";

const MAX_COUNT = 1_000_000;
const MAX_RULES = 20_000;

export type JsonRule =
  | "ws"
  | "char"
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "null"
  | "object"
  | "array"
  | "value";

const DIGIT = chars(charSet([[0x30, 0x39]]));
const DIGIT_1_TO_9 = chars(charSet([[0x31, 0x39]]));
const HEX = chars(charsOf("0123456789abcdefABCDEF"));

export class GrammarBuilder {
  private readonly rules = new Map<string, Node>();
  private readonly names = new Set<string>();
  private readonly stems = new Map<string, number>();
  private readonly shared = new Map<JsonRule, string>();

  /** Every name but a root's starts with the prefix. */
  constructor(private readonly prefix: string) {}

  /** Takes a free name like the hint. */
  reserve(hint: string): string {
    const stem =
      this.prefix +
      (hint
        .replace(/[^a-zA-Z0-9]+/g, "-")
        .replace(/^-|-$/g, "")
        .slice(0, 60) || "rule");
    let count = this.stems.get(stem) ?? 0;
    let name: string;
    do {
      count += 1;
      name = count === 1 ? stem : `${stem}-${count}`;
    } while (this.names.has(name));
    this.stems.set(stem, count);
    this.claim(name);
    return name;
  }

  /** Takes exactly this name. */
  claim(name: string): void {
    if (this.names.has(name)) throw new AppError("invalid", `two rules are named "${name}"`);
    if (this.names.size >= MAX_RULES)
      throw new AppError("invalid", "invalid JSON schema: it is too large for a grammar");
    this.names.add(name);
  }

  define(name: string, body: Node): void {
    this.rules.set(name, body);
  }

  add(hint: string, body: Node): Node {
    const name = this.reserve(hint);
    this.define(name, body);
    return rule(name);
  }

  json(name: JsonRule): Node {
    let full = this.shared.get(name);
    if (full === undefined) {
      full = this.reserve(name);
      this.shared.set(name, full);
      this.define(full, this.jsonBody(name));
    }
    return rule(full);
  }

  private jsonBody(name: JsonRule): Node {
    const ws = name === "ws" ? literal("") : this.json("ws");
    const list = (open: string, item: Node, close: string): Node =>
      sequence(
        literal(open),
        ws,
        choice(
          literal(close),
          sequence(item, repeat(sequence(literal(","), ws, item), 0, undefined), ws, literal(close)),
        ),
      );
    switch (name) {
      case "ws":
        // Bounded, so that a small model cannot print blanks for ever (the idea of llama.cpp's `space` rule).
        return optional(choice(literal(" "), sequence(literal("\n"), repeat(chars(charsOf(" \t")), 0, 32))));
      case "char":
        return jsonChar();
      case "string":
        return sequence(literal('"'), repeat(this.json("char"), 0, undefined), literal('"'));
      case "integer":
        return choice(literal("0"), sequence(optional(literal("-")), DIGIT_1_TO_9, repeat(DIGIT, 0, 18)));
      case "number":
        // Long enough for what JSON.stringify and json.dumps write without an exponent; exponents cannot overflow a double.
        return sequence(
          optional(literal("-")),
          choice(literal("0"), sequence(DIGIT_1_TO_9, repeat(DIGIT, 0, 20))),
          optional(sequence(literal("."), repeat(DIGIT, 1, 22))),
          optional(sequence(chars(charsOf("eE")), optional(chars(charsOf("+-"))), repeat(DIGIT, 1, 2))),
        );
      case "boolean":
        return choice(literal("true"), literal("false"));
      case "null":
        return literal("null");
      case "object":
        return list("{", sequence(this.json("string"), literal(":"), ws, this.json("value")), "}");
      case "array":
        return list("[", this.json("value"), "]");
      case "value":
        return choice(
          ...(["object", "array", "string", "number", "boolean", "null"] as const).map((kind) => this.json(kind)),
        );
      default:
        return name satisfies never;
    }
  }

  /** `item` min to max times; the item must be a rule or one character. */
  times(hint: string, item: Node, min: number, max: number | undefined): Node {
    if (Math.max(min, max ?? 0) > MAX_COUNT) throw new AppError("invalid", `is over the limit of ${MAX_COUNT}`);
    if (max !== undefined && max < min) return choice();
    if (Math.max(min, max ?? 0) <= MAX_REPETITION) return repeat(item, min, max);
    const size = Math.ceil(Math.sqrt(Math.max(min, max ?? 0)));
    const block = this.add(`${hint}-block`, repeat(item, size, size));
    const exact = sequence(repeatExactly(block, Math.floor(min / size)), repeatExactly(item, min % size));
    if (max === undefined) return sequence(exact, repeat(item, 0, undefined));
    const [blocks, rest] = [Math.floor((max - min) / size), (max - min) % size];
    const all = sequence(repeatExactly(block, blocks), repeat(item, 0, rest));
    const fewer = blocks === 0 ? choice() : sequence(repeat(block, 0, blocks - 1), repeat(item, 0, size - 1));
    return sequence(exact, choice(all, fewer));
  }

  /** The rules that can be reached and completed, roots first; an error when a root has no text at all. */
  finish(roots: readonly string[]): Map<string, Node> {
    const live = this.completable();
    const out = new Map<string, Node>();
    const todo = roots.toReversed();
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (out.has(name)) continue;
      if (!live.has(name)) throw new AppError("invalid", "invalid JSON schema: no value can satisfy it");
      const body = prune(this.rules.get(name) ?? choice(), live);
      out.set(name, body);
      todo.push(...references(body).toReversed());
    }
    return out;
  }

  private completable(): Set<string> {
    const live = new Set<string>();
    const users = new Map<string, string[]>();
    for (const [name, body] of this.rules) {
      for (const used of references(body)) {
        const list = users.get(used);
        if (list === undefined) users.set(used, [name]);
        else list.push(name);
      }
    }
    const todo = [...this.rules.keys()];
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (live.has(name) || !canComplete(this.rules.get(name) ?? choice(), live)) continue;
      live.add(name);
      todo.push(...(users.get(name) ?? []));
    }
    return live;
  }
}

function repeatExactly(item: Node, count: number): Node {
  return repeat(item, count, count);
}

/**
 * One character of a JSON string. A pair of surrogate escapes is one character and a lone one is none, so that lengths
 * count as JSON Schema counts them and every string is well-formed Unicode.
 */
function jsonChar(): Node {
  const hexes = (count: number): Node => repeat(HEX, count, count);
  const d = chars(charsOf("dD"));
  const basic = choice(
    sequence(chars(charsOf("0123456789abcefABCEF")), hexes(3)),
    sequence(d, chars(charsOf("01234567")), hexes(2)),
  );
  const pair = sequence(d, chars(charsOf("89abAB")), hexes(2), literal("\\u"), d, chars(charsOf("cdefCDEF")), hexes(2));
  return choice(
    chars(UNESCAPED),
    sequence(literal("\\"), choice(chars(charsOf('"\\/bfnrt')), sequence(literal("u"), choice(basic, pair)))),
  );
}

function references(node: Node): string[] {
  switch (node.is) {
    case "rule":
      return [node.name];
    case "sequence":
      return node.items.flatMap(references);
    case "choice":
      return node.options.flatMap(references);
    case "repeat":
      return references(node.item);
    case "literal":
    case "class":
    case "any":
    case "token":
      return [];
    default:
      return node satisfies never;
  }
}

function canComplete(node: Node, live: ReadonlySet<string>): boolean {
  switch (node.is) {
    case "rule":
      return live.has(node.name);
    case "sequence":
      return node.items.every((item) => canComplete(item, live));
    case "choice":
      return node.options.some((option) => canComplete(option, live));
    case "repeat":
      return node.min === 0 || canComplete(node.item, live);
    case "literal":
    case "class":
    case "any":
    case "token":
      return true;
    default:
      return node satisfies never;
  }
}

function prune(node: Node, live: ReadonlySet<string>): Node {
  switch (node.is) {
    case "rule":
      return live.has(node.name) ? node : choice();
    case "sequence":
      return sequence(...node.items.map((item) => prune(item, live)));
    case "choice":
      return choice(...node.options.map((option) => prune(option, live)));
    case "repeat":
      return repeat(prune(node.item, live), node.min, node.max);
    case "literal":
    case "class":
    case "any":
    case "token":
      return node;
    default:
      return node satisfies never;
  }
}
