// Rule bodies → flat rules of single elements, expanded the way llama.cpp expands them (groups and repetitions become
// rules of their own), so what is counted and walked here is what the native parser will build. Bounded in size.

import { AppError } from "../../base/errors.ts";
import { type CharSet, MAX_CODE_POINT, subtractChars } from "./char-set.ts";
import type { Node } from "./gbnf-ast.ts";
import { type GrammarRules, MAX_REPETITION } from "./gbnf-parse.ts";

export const END = 0;
export const CHARS = 1;
export const RULE = 2;
export const TOKEN = 3;
export const NOT_TOKEN = 4;

/** Elements live in two parallel arrays; an alternative is a run of them up to an END. */
export interface FlatGrammar {
  readonly kinds: Uint8Array;
  /** By kind: index of a class, index of a rule, index of a token. */
  readonly values: Uint32Array;
  /** For each rule the positions at which its alternatives start. */
  readonly alternatives: readonly (readonly number[])[];
  readonly names: readonly string[];
  readonly classes: readonly CharSet[];
  readonly tokens: readonly (number | string)[];
  /** For each rule whether one of its alternatives has no element at all. */
  readonly plainlyEmpty: readonly boolean[];
}

const MAX_ELEMENTS = 400_000;
const MAX_RULES = 60_000;

export function lowerGrammar(rules: GrammarRules): FlatGrammar {
  return new Lowering().lower(rules);
}

interface Element {
  readonly kind: number;
  readonly value: number;
}

class Lowering {
  private readonly symbols = new Map<string, number>();
  private readonly bodies: (readonly (readonly Element[])[] | undefined)[] = [];
  private readonly classIds = new Map<string, number>();
  private readonly classes: CharSet[] = [];
  private readonly tokenIds = new Map<string, number>();
  private readonly tokens: (number | string)[] = [];
  private elementCount = 0;
  private current = "";

  lower(rules: GrammarRules): FlatGrammar {
    for (const [name, body] of rules) {
      this.current = name;
      const id = this.symbol(name);
      this.bodies[id] = this.options(body);
    }
    return this.pack();
  }

  private options(body: Node): Element[][] {
    return (body.is === "choice" ? body.options : [body]).map((option) => this.elements(option));
  }

  private elements(node: Node): Element[] {
    switch (node.is) {
      case "literal":
        return this.counted(
          Array.from(node.text, (char) => this.charClass([char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0])),
        );
      case "class":
        return this.counted([this.charClass(node.negated ? subtractChars([0, MAX_CODE_POINT], node.set) : node.set)]);
      case "any":
        return this.counted([this.charClass([0, MAX_CODE_POINT])]);
      case "token":
        return this.counted([{ kind: node.negated ? NOT_TOKEN : TOKEN, value: this.token(node.id) }]);
      case "rule":
        return this.counted([{ kind: RULE, value: this.symbol(node.name) }]);
      case "sequence":
        return node.items.flatMap((item) => (item.is === "sequence" ? [this.group(item)] : this.elements(item)));
      case "choice":
        return [this.group(node)];
      case "repeat":
        return this.repetition(node, 1).elements;
      default:
        return node satisfies never;
    }
  }

  private group(node: Node): Element {
    const id = this.generate();
    this.bodies[id] = this.options(node);
    return { kind: RULE, value: id };
  }

  /** Also answers how many rules the native parser thinks one copy stands for; it limits the product. */
  private repetition(node: Node & { is: "repeat" }, factor: number): { elements: Element[]; weight: number } {
    const before = this.symbols.size;
    const { item, min, max } = node;
    let once: Element[];
    let weight = 1;
    if (item.is === "repeat") ({ elements: once, weight } = this.repetition(item, factor));
    else if (item.is === "choice" || item.is === "sequence") {
      once = [this.group(item)];
      weight = Math.max(1, this.symbols.size - before);
    } else once = this.elements(item);
    const times = max !== undefined && max > 0 ? max : Math.max(min, 1);
    weight *= times;
    if (weight > MAX_REPETITION)
      this.fail(`a repetition multiplies to ${weight} rules, over the limit of ${MAX_REPETITION}`);
    return { elements: this.repeated(once, min, max), weight };
  }

  private repeated(once: Element[], min: number, max: number | undefined): Element[] {
    const out: Element[] = [];
    for (let i = 0; i < min; i++) {
      this.counted(once);
      for (const element of once) out.push(element);
    }
    let last: number | undefined;
    const tails = max === undefined ? 1 : max - min;
    for (let i = 0; i < tails; i++) {
      const id = this.generate();
      const again = max === undefined ? id : last;
      this.counted(once);
      this.bodies[id] = [again === undefined ? once : [...once, { kind: RULE, value: again }], []];
      last = id;
    }
    if (last !== undefined) out.push({ kind: RULE, value: last });
    return out;
  }

  private symbol(name: string): number {
    const known = this.symbols.get(name);
    if (known !== undefined) return known;
    const id = this.symbols.size;
    if (id >= MAX_RULES) this.fail(`more than ${MAX_RULES} rules`);
    this.symbols.set(name, id);
    return id;
  }

  private generate(): number {
    return this.symbol(`${this.current}_${this.symbols.size}`);
  }

  private charClass(set: CharSet): Element {
    const key = set.join(",");
    let id = this.classIds.get(key);
    if (id === undefined) {
      id = this.classes.length;
      this.classIds.set(key, id);
      this.classes.push(set);
    }
    this.elementCount += set.length;
    return { kind: CHARS, value: id };
  }

  private token(id: number | string): number {
    const key = String(id);
    const known = this.tokenIds.get(key);
    if (known !== undefined) return known;
    this.tokenIds.set(key, this.tokens.length);
    return this.tokens.push(id) - 1;
  }

  private counted(elements: Element[]): Element[] {
    this.elementCount += elements.length;
    if (this.elementCount > MAX_ELEMENTS)
      this.fail(`more than ${MAX_ELEMENTS} elements once repetitions are written out`);
    return elements;
  }

  private pack(): FlatGrammar {
    const names = [...this.symbols.keys()];
    const missing = names.find((_, id) => this.bodies[id] === undefined);
    if (missing !== undefined) throw new AppError("invalid", `invalid grammar: rule "${missing}" is not defined`);
    const bodies = names.map((_, id) => this.bodies[id] ?? []);
    const size = bodies.reduce((sum, body) => sum + body.reduce((n, option) => n + option.length + 1, 0), 0);
    const kinds = new Uint8Array(size);
    const values = new Uint32Array(size);
    let at = 0;
    const alternatives = bodies.map((body) =>
      body.map((option) => {
        const start = at;
        for (const element of option) {
          kinds[at] = element.kind;
          values[at] = element.value;
          at += 1;
        }
        at += 1;
        return start;
      }),
    );
    const plainlyEmpty = bodies.map((body) => body.some((option) => option.length === 0));
    return { kinds, values, alternatives, names, classes: this.classes, tokens: this.tokens, plainlyEmpty };
  }

  private fail(reason: string): never {
    throw new AppError("invalid", `invalid grammar: rule "${this.current}": ${reason}`);
  }
}
