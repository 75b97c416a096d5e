// Deterministic automata over code points: the common form of patterns, formats, lengths, number ranges and exclusions, in
// which they can be intersected and complemented exactly. Everything is explored under one bound on states and steps.

import { ALL_CHARS, type CharSet, hasChar, intersectChars, subtractChars, unionChars } from "./char-set.ts";
import { type Effort, tooComplex } from "./effort.ts";

export const MAX_STATES = 5000;

/** State 0 is the start. `next[state][letter]` is a state or -1; letters are disjoint sets that cover all characters. */
export interface Automaton {
  readonly letters: readonly CharSet[];
  readonly next: readonly Int32Array[];
  readonly accepting: readonly boolean[];
}

export interface Machine<S> {
  readonly letters: readonly CharSet[];
  readonly start: S;
  readonly key: (state: S) => string;
  readonly step: (state: S, letter: number) => S | undefined;
  readonly accepts: (state: S) => boolean;
}

/** Every state the machine can reach, numbered in the order they are found. */
export function explore<S>(machine: Machine<S>, effort: Effort): Automaton {
  const ids = new Map<string, number>([[machine.key(machine.start), 0]]);
  const states: S[] = [machine.start];
  const next: Int32Array[] = [];
  const accepting: boolean[] = [];
  for (const state of states) {
    effort.spend(machine.letters.length);
    const row = new Int32Array(machine.letters.length).fill(-1);
    for (let letter = 0; letter < row.length; letter++) {
      const target = machine.step(state, letter);
      if (target === undefined) continue;
      const key = machine.key(target);
      let id = ids.get(key);
      if (id === undefined) {
        id = states.length;
        if (id >= MAX_STATES) throw tooComplex();
        ids.set(key, id);
        states.push(target);
      }
      row[letter] = id;
    }
    next.push(row);
    accepting.push(machine.accepts(state));
  }
  return { letters: machine.letters, next, accepting };
}

/** Texts that both automata accept. */
export function intersect(a: Automaton, b: Automaton, effort: Effort): Automaton {
  const letters: CharSet[] = [];
  const parts: [number, number][] = [];
  effort.spend(a.letters.length * b.letters.length);
  a.letters.forEach((left, i) =>
    b.letters.forEach((right, j) => {
      const both = intersectChars(left, right);
      if (both.length === 0) return;
      letters.push(both);
      parts.push([i, j]);
    }),
  );
  const product = explore<readonly [number, number]>(
    {
      letters,
      start: [0, 0],
      key: (state) => state.join(),
      step: ([left, right], letter) => {
        const [i, j] = parts[letter] ?? [0, 0];
        const [toLeft, toRight] = [a.next[left]?.[i] ?? -1, b.next[right]?.[j] ?? -1];
        return toLeft < 0 || toRight < 0 ? undefined : [toLeft, toRight];
      },
      accepts: ([left, right]) => a.accepting[left] === true && b.accepting[right] === true,
    },
    effort,
  );
  return trim(product);
}

/** Texts that the automaton does not accept. */
export function complement(a: Automaton): Automaton {
  const sink = a.next.length;
  const next = a.next.map((row) => row.map((target) => (target < 0 ? sink : target)));
  next.push(new Int32Array(a.letters.length).fill(sink));
  return trim({ letters: a.letters, next, accepting: [...a.accepting.map((accepts) => !accepts), true] });
}

/** Cuts every way that cannot end in an accepting state: a grammar must not lead the model into a dead end. */
export function trim(a: Automaton): Automaton {
  const sources: number[][] = a.next.map(() => []);
  a.next.forEach((row, from) => row.forEach((to) => to >= 0 && sources[to]?.push(from)));
  const live = new Uint8Array(a.next.length);
  const todo = a.accepting.flatMap((accepts, state) => (accepts ? [state] : []));
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    if (live[state] === 1) continue;
    live[state] = 1;
    for (const source of sources[state] ?? []) todo.push(source);
  }
  const next = a.next.map((row, from) => row.map((to) => (to >= 0 && live[to] === 1 && live[from] === 1 ? to : -1)));
  return { letters: a.letters, next, accepting: a.accepting };
}

export function isNothing(a: Automaton): boolean {
  return a.accepting[0] !== true && (a.next[0]?.every((target) => target < 0) ?? true);
}

export function accepts(a: Automaton, text: string): boolean {
  let state = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const letter = a.letters.findIndex((set) => hasChar(set, code));
    state = letter < 0 ? -1 : (a.next[state]?.[letter] ?? -1);
    if (state < 0) return false;
  }
  return a.accepting[state] === true;
}

/** Texts of min to max characters. */
export function lengths(min: number, max: number | undefined, effort: Effort): Automaton {
  const cap = max ?? min;
  return explore<number>(
    {
      letters: [ALL_CHARS],
      start: 0,
      key: String,
      step: (length) =>
        max !== undefined && length >= max ? undefined : Math.min(length + 1, max === undefined ? cap : length + 1),
      accepts: (length) => length >= min,
    },
    effort,
  );
}

/** Exactly these texts. */
export function oneOfTexts(texts: readonly string[], effort: Effort): Automaton {
  for (const text of texts) effort.spend(1 + text.length);
  const codes = [...new Set(texts.flatMap((text) => Array.from(text, (char) => char.codePointAt(0) ?? 0)))];
  const letters: CharSet[] = codes.map((code) => [code, code]);
  const letterOf = new Map(codes.map((code, i) => [code, i]));
  letters.push(subtractChars(ALL_CHARS, unionChars(letters)));
  interface TrieNode {
    id: number;
    ends: boolean;
    to: Map<number, TrieNode>;
  }
  let count = 0;
  const newNode = (): TrieNode => ({ id: count++, ends: false, to: new Map() });
  const root = newNode();
  for (const text of texts) {
    let node = root;
    for (const char of text) {
      const letter = letterOf.get(char.codePointAt(0) ?? 0) ?? 0;
      const known = node.to.get(letter) ?? newNode();
      node.to.set(letter, known);
      node = known;
    }
    node.ends = true;
  }
  return explore<TrieNode>(
    {
      letters,
      start: root,
      key: (node) => String(node.id),
      step: (node, letter) => node.to.get(letter),
      accepts: (node) => node.ends,
    },
    effort,
  );
}
