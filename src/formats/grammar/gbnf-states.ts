// The automaton behind GrammarMatcher, built as it is walked. A state is a set of parse stacks; stacks are linked nodes,
// states and stacks are interned, and each state remembers where a class of characters leads. So a character costs one
// table look-up once its step has been seen. Ambiguity is bounded (an error), memory too (the tables start over).

import { AppError } from "../../base/errors.ts";
import { hasChar, overlapsChars } from "./char-set.ts";
import type { ParsedGrammar } from "./gbnf-check.ts";
import { CHARS, END, type FlatGrammar, NOT_TOKEN, RULE, TOKEN } from "./gbnf-lower.ts";

/** The stack whose top is element `at` and whose rest is `below`; the bottom node stands for the empty stack. */
interface Stack {
  readonly id: number;
  readonly at: number;
  readonly below: Stack | undefined;
  readonly above: Map<number, Stack>;
  /** What this stack becomes once rules are opened until each top reads a character or a token. */
  opened: readonly Stack[] | undefined;
}

export interface State {
  /** The stacks that can read on; `canEnd` tells whether the empty stack was among them. */
  readonly tops: readonly Stack[];
  readonly canEnd: boolean;
  readonly next: Map<number, State | undefined>;
  readonly table: Interned;
}

interface Interned {
  readonly bottom: Stack;
  readonly states: Map<string, State>;
  size: number;
  /** Past this size a new table is begun. */
  limit: number;
}

const MAX_STACKS = 4096;
const MAX_OPENED = 50_000;
const MAX_INTERNED = 50_000;
const LOOKUP_CHARS = 256;

export class GrammarStates {
  readonly start: State;
  private readonly flat: FlatGrammar;
  private readonly tokenIds: readonly number[];
  /** Where the classes of characters begin: characters between two neighbours behave alike in every class. */
  private readonly borders: Uint32Array;
  private readonly lookup = new Uint16Array(LOOKUP_CHARS);
  private table: Interned = newTable();

  constructor(grammar: ParsedGrammar, tokenId: ((text: string) => number | undefined) | undefined) {
    this.flat = grammar.flat;
    this.tokenIds = grammar.flat.tokens.map((token) => resolveToken(token, tokenId));
    const borders = new Set([0]);
    for (const set of grammar.flat.classes) set.forEach((code, i) => borders.add(i % 2 === 0 ? code : code + 1));
    this.borders = Uint32Array.from(borders).sort();
    for (let code = 0; code < LOOKUP_CHARS; code++) this.lookup[code] = this.searchCell(code);
    const bottom = this.table.bottom;
    const stacks = (this.flat.alternatives[grammar.root] ?? []).flatMap((at) =>
      this.open(this.flat.kinds[at] === END ? bottom : this.push(bottom, at)),
    );
    this.start = this.intern(stacks);
  }

  step(state: State, code: number): State | undefined {
    const cell = code < LOOKUP_CHARS ? (this.lookup[code] ?? 0) : this.searchCell(code);
    const known = state.next.get(cell);
    if (known !== undefined || state.next.has(cell)) return known;
    const next = this.compute(state, (kind, value) => kind === CHARS && hasChar(this.flat.classes[value] ?? [], code));
    // A step across tables is not remembered: it would keep the old table alive for ever.
    if (next === undefined || next.table === state.table) state.next.set(cell, next);
    return next;
  }

  /** The state after a token that the grammar names; undefined when it names none that fits here. */
  stepToken(state: State, id: number): State | undefined {
    if (this.tokenIds.length === 0) return undefined;
    return this.compute(
      state,
      (kind, value) =>
        (kind === TOKEN && this.tokenIds[value] === id) || (kind === NOT_TOKEN && this.tokenIds[value] !== id),
    );
  }

  /** Whether some character that starts with these bits may come next. */
  allowsPartial(state: State, value: number, missing: number): boolean {
    if (missing === 1 && value < 2) return false;
    const low = Math.max(value << (missing * 6), missing === 3 ? 0x10000 : missing === 2 ? 0x800 : 0);
    const high = (value << (missing * 6)) | ((1 << (missing * 6)) - 1);
    return state.tops.some(
      ({ at }) =>
        this.flat.kinds[at] === CHARS && overlapsChars(this.flat.classes[this.flat.values[at] ?? 0] ?? [], low, high),
    );
  }

  union(a: State, b: State): State {
    const here = this.table;
    const stacks = [a, b].flatMap((state) => [...state.tops, ...(state.canEnd ? [state.table.bottom] : [])]);
    return this.intern(stacks.map((stack) => (a.table === here && b.table === here ? stack : this.rebuild(stack))));
  }

  private compute(state: State, matches: (kind: number, value: number) => boolean): State | undefined {
    if (this.table.size > this.table.limit) this.table = newTable();
    const moved = state.table !== this.table;
    const stacks: Stack[] = [];
    for (const top of state.tops) {
      if (!matches(this.flat.kinds[top.at] ?? END, this.flat.values[top.at] ?? 0) || top.below === undefined) continue;
      const below = moved ? this.rebuild(top.below) : top.below;
      const rest = this.flat.kinds[top.at + 1] === END ? below : this.push(below, top.at + 1);
      for (const stack of this.open(rest)) stacks.push(stack);
    }
    // Deep stacks that were just carried over must not fill the new table by themselves.
    if (moved) this.table.limit = Math.max(this.table.limit, MAX_INTERNED + 2 * this.table.size);
    return stacks.length === 0 ? undefined : this.intern(stacks);
  }

  /** Opens rules until every stack is empty or has a terminal on top. */
  private open(start: Stack): readonly Stack[] {
    if (start.opened !== undefined) return start.opened;
    const { kinds, values, alternatives } = this.flat;
    const seen = new Set([start]);
    const found: Stack[] = [];
    // The set grows while it is walked: each new stack is visited once.
    for (const stack of seen) {
      if (stack.below === undefined || kinds[stack.at] !== RULE) {
        found.push(stack);
        continue;
      }
      if (seen.size > MAX_OPENED) throw tooAmbiguous();
      const rest = kinds[stack.at + 1] === END ? stack.below : this.push(stack.below, stack.at + 1);
      for (const at of alternatives[values[stack.at] ?? 0] ?? [])
        seen.add(kinds[at] === END ? rest : this.push(rest, at));
    }
    if (found.length > MAX_STACKS) throw tooAmbiguous();
    this.table.size += found.length;
    start.opened = found;
    return found;
  }

  private intern(stacks: readonly Stack[]): State {
    const unique = [...new Set(stacks)].sort((a, b) => a.id - b.id);
    if (unique.length > MAX_STACKS) throw tooAmbiguous();
    const key = unique.map((stack) => stack.id).join(",");
    const known = this.table.states.get(key);
    if (known !== undefined) return known;
    const tops = unique.filter((stack) => stack.below !== undefined);
    const state = {
      tops,
      canEnd: tops.length < unique.length,
      next: new Map<number, State | undefined>(),
      table: this.table,
    };
    this.table.states.set(key, state);
    this.table.size += 1 + tops.length;
    return state;
  }

  private push(below: Stack, at: number): Stack {
    const known = below.above.get(at);
    if (known !== undefined) return known;
    this.table.size += 1;
    const stack = { id: this.table.size, at, below, above: new Map<number, Stack>(), opened: undefined };
    below.above.set(at, stack);
    return stack;
  }

  /** The same stack in the current table; the old table is then free to go. */
  private rebuild(stack: Stack): Stack {
    const path: number[] = [];
    for (let node = stack; node.below !== undefined; node = node.below) path.push(node.at);
    return path.reduceRight((below, at) => this.push(below, at), this.table.bottom);
  }

  private searchCell(code: number): number {
    let low = 0;
    let high = this.borders.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.borders[middle] ?? 0) <= code) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function newTable(): Interned {
  const bottom: Stack = { id: 0, at: 0, below: undefined, above: new Map(), opened: undefined };
  return { bottom, states: new Map(), size: 0, limit: MAX_INTERNED };
}

function tooAmbiguous(): AppError {
  return new AppError("invalid", "grammar is too ambiguous: too many ways to read the same text");
}

function resolveToken(token: number | string, tokenId: ((text: string) => number | undefined) | undefined): number {
  const id = typeof token === "number" ? token : tokenId?.(token);
  if (id === undefined) throw new AppError("invalid", `invalid grammar: "${token}" is not one token of this model`);
  return id;
}
