// Automaton → right-linear grammar rules, one per state that has a choice. Each character leaves one way open, so the
// native matcher never carries more stacks than the state has alternatives.

import type { Automaton } from "./automaton.ts";
import { type CharSet, charSet, charsOf, hasChar, intersectChars, unionChars } from "./char-set.ts";
import { type Node, chars, choice, literal, rule, sequence } from "./gbnf-ast.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";

/** How a character of the automaton is written in the output. */
export type Encoding = (set: CharSet) => Node;

/** Characters as they are. */
export const plainEncoding: Encoding = (set) => {
  const single = set.length === 2 && set[0] === set[1] ? set[0] : undefined;
  return single === undefined ? chars(set) : literal(String.fromCodePoint(single));
};

/** What a JSON string holds without escapes. DEL is legal there but never useful, as in llama.cpp's grammar. */
export const UNESCAPED = charSet([
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0x80, 0xd7ff],
  [0xe000, 0x10ffff],
]);

const NAMED_ESCAPES: readonly (readonly [number, string])[] = [
  [0x22, '"'],
  [0x5c, "\\"],
  [0x08, "b"],
  [0x0c, "f"],
  [0x0a, "n"],
  [0x0d, "r"],
  [0x09, "t"],
];

/** Characters of a JSON string, each in one spelling only: as itself where JSON allows, else by its shortest escape. */
export const jsonEncoding: Encoding = (set) => {
  const options: Node[] = [];
  const plain = intersectChars(set, UNESCAPED);
  if (plain.length > 0) options.push(plainEncoding(plain));
  const named = NAMED_ESCAPES.filter(([code]) => hasChar(set, code)).map(([, letter]) => letter);
  const escapes: Node[] = named.length > 0 ? [plainEncoding(charsOf(named.join("")))] : [];
  for (const high of [0, 1, 7]) {
    const lows: string[] = [];
    for (let code = high * 16; code < high * 16 + 16; code++) {
      const special = NAMED_ESCAPES.some(([named]) => named === code) || hasChar(UNESCAPED, code);
      if (!special && hasChar(set, code)) lows.push((code & 15).toString(16));
    }
    const digits = lows.join("");
    if (lows.length > 0) escapes.push(sequence(literal(`u00${high}`), chars(charsOf(digits + digits.toUpperCase()))));
  }
  if (escapes.length > 0) options.push(sequence(literal("\\"), choice(...escapes)));
  return choice(...options);
};

export function automatonToGbnf(
  builder: GrammarBuilder,
  hint: string,
  automaton: Automaton,
  encode: Encoding,
  tail: Node,
): Node {
  const emission = new Emission(builder, hint, automaton, encode, tail);
  return emission.emit();
}

/** Larger classes get a rule of their own, so that automata with many states do not repeat them. */
const MAX_INLINE_CLASS = 24;

class Emission {
  private readonly names = new Map<number, string>();
  private readonly waiting: number[] = [];
  private readonly encoded = new Map<string, Node>();
  private readonly waysOf: (readonly (readonly [letters: string, to: number])[])[] = [];
  private readonly arrivals: Uint32Array;

  constructor(
    private readonly builder: GrammarBuilder,
    private readonly hint: string,
    private readonly automaton: Automaton,
    private readonly encode: Encoding,
    private readonly tail: Node,
  ) {
    this.arrivals = new Uint32Array(automaton.next.length);
    for (const state of automaton.next.keys())
      for (const [, to] of this.ways(state)) this.arrivals[to] = (this.arrivals[to] ?? 0) + 1;
  }

  emit(): Node {
    const start = this.arrivals[0] === 0 ? this.body(0) : this.reference(0);
    for (let state = this.waiting.pop(); state !== undefined; state = this.waiting.pop()) {
      this.builder.define(this.names.get(state) ?? "", this.body(state));
    }
    return start;
  }

  /** What leads out of a state: per target the letters, as a key. */
  private ways(state: number): readonly (readonly [letters: string, to: number])[] {
    const known = this.waysOf[state];
    if (known !== undefined) return known;
    const byTarget = new Map<number, number[]>();
    this.automaton.next[state]?.forEach((to, letter) => {
      if (to < 0) return;
      const letters = byTarget.get(to);
      if (letters === undefined) byTarget.set(to, [letter]);
      else letters.push(letter);
    });
    const ways = Array.from(byTarget, ([to, letters]) => [letters.join(), to] as const);
    this.waysOf[state] = ways;
    return ways;
  }

  private body(state: number): Node {
    const options = this.ways(state).map(([letters, to]) => this.chain(letters, to));
    if (this.automaton.accepting[state] === true) options.push(this.tail);
    return choice(...options);
  }

  /** One step and all that must follow it before there is a choice again. */
  private chain(letters: string, to: number): Node {
    const parts: Node[] = [this.spelled(letters)];
    for (let state = to; ;) {
      const ways = this.ways(state);
      const accepting = this.automaton.accepting[state] === true;
      const only = ways[0];
      if (only === undefined) return sequence(...parts, this.tail);
      if (accepting || ways.length > 1 || (this.arrivals[state] ?? 0) > 1) {
        return sequence(...parts, this.reference(state));
      }
      parts.push(this.spelled(only[0]));
      state = only[1];
    }
  }

  private spelled(letters: string): Node {
    const known = this.encoded.get(letters);
    if (known !== undefined) return known;
    const set = unionChars(letters.split(",").map((letter) => this.automaton.letters[Number(letter)] ?? []));
    let node = this.encode(set);
    const isLarge = node.is === "choice" || (node.is === "class" && node.set.length > MAX_INLINE_CLASS);
    if (isLarge) node = this.builder.add(`${this.hint}-char`, node);
    this.encoded.set(letters, node);
    return node;
  }

  private reference(state: number): Node {
    let name = this.names.get(state);
    if (name === undefined) {
      name = this.builder.reserve(this.hint);
      this.names.set(state, name);
      this.waiting.push(state);
    }
    return rule(name);
  }
}
