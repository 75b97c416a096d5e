// Merges states that accept the same continuations, and letters that always lead the same way; smaller automata make
// smaller grammars. Large automata are left as they are: a few rules more cost less than minimizing them.

import type { Automaton } from "./automaton.ts";
import { type CharSet, unionChars } from "./char-set.ts";
import type { Effort } from "./effort.ts";

const MAX_MINIMIZED_STATES = 800;
const MAX_REFINEMENT_STEPS = 300_000;

export function minimize(a: Automaton, effort: Effort): Automaton {
  effort.spend(a.letters.length * a.next.length);
  const merged = mergeLetters(a);
  return merged.next.length > MAX_MINIMIZED_STATES ? merged : mergeLetters(mergeStates(merged, effort));
}

/** Moore's refinement: start with accepting or not, split by where the letters lead until nothing changes. */
function mergeStates(a: Automaton, effort: Effort): Automaton {
  let blocks: number[] = a.accepting.map((accepts) => (accepts ? 1 : 0));
  const roundSteps = a.letters.length * a.next.length;
  let steps = 0;
  for (let count = 0; ;) {
    steps += roundSteps;
    effort.spend(roundSteps);
    if (steps > MAX_REFINEMENT_STEPS) return a;
    const ids = new Map<string, number>();
    const refined = a.next.map((row, state) => {
      const signature = `${blocks[state]}:${Array.from(row, (to) => (to < 0 ? -1 : blocks[to])).join()}`;
      const id = ids.get(signature) ?? ids.size;
      ids.set(signature, id);
      return id;
    });
    blocks = refined;
    if (ids.size === count) break;
    count = ids.size;
  }
  // Block numbers follow first appearance, so the start state keeps number 0.
  const next: Int32Array[] = [];
  const accepting: boolean[] = [];
  blocks.forEach((block, state) => {
    if (next[block] !== undefined) return;
    next[block] = (a.next[state] ?? new Int32Array()).map((to) => (to < 0 ? -1 : (blocks[to] ?? -1)));
    accepting[block] = a.accepting[state] === true;
  });
  return { letters: a.letters, next, accepting };
}

function mergeLetters(a: Automaton): Automaton {
  const groups = new Map<string, number[]>();
  a.letters.forEach((_, letter) => {
    const column = a.next.map((row) => row[letter]).join();
    groups.set(column, [...(groups.get(column) ?? []), letter]);
  });
  const members = [...groups.values()];
  const letters: CharSet[] = members.map((group) => unionChars(group.map((letter) => a.letters[letter] ?? [])));
  const next = a.next.map((row) => Int32Array.from(members, (group) => row[group[0] ?? 0] ?? -1));
  return { letters, next, accepting: a.accepting };
}
