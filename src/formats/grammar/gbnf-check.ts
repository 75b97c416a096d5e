// Decides whether a grammar may be handed to native code. llama.cpp answers a bad grammar with a null pointer, an endless
// loop, a stack overflow or an abort; here each is an error that says why, found in time linear in the grammar's size.

import { AppError } from "../../base/errors.ts";
import { CHARS, END, type FlatGrammar, RULE, lowerGrammar } from "./gbnf-lower.ts";
import { type GrammarRules, parseGbnf } from "./gbnf-parse.ts";

export interface ParsedGrammar {
  readonly text: string;
  readonly rules: GrammarRules;
  readonly flat: FlatGrammar;
  readonly root: number;
  /** Whether it names vocabulary tokens, which only a model can resolve. */
  readonly usesTokens: boolean;
}

/** llama.cpp walks leftmost references recursively: this deep at most, and this many steps in all. */
const MAX_LEFT_DEPTH = 8000;
const MAX_LEFT_STEPS = 20_000_000;

export function checkGrammar(text: string, root = "root"): ParsedGrammar {
  const rules = parseGbnf(text);
  if (!rules.has(root)) throw new AppError("invalid", `invalid grammar: it has no "${root}" rule`);
  const flat = lowerGrammar(rules);
  checkLeftRecursion(flat);
  checkCompletable(flat);
  return { text, rules, flat, root: flat.names.indexOf(root), usesTokens: flat.tokens.length > 0 };
}

/** Calls `visit` for each rule reference at the left edge: those before which everything may be empty. */
function leftReferences(
  flat: FlatGrammar,
  rule: number,
  mayBeEmpty: (rule: number) => boolean,
  visit: (target: number, isTail: boolean) => void,
): void {
  for (const start of flat.alternatives[rule] ?? []) {
    for (let at = start; flat.kinds[at] === RULE; at++) {
      const target = flat.values[at] ?? 0;
      visit(target, flat.kinds[at + 1] === END);
      if (!mayBeEmpty(target)) break;
    }
  }
}

/**
 * A rule that reaches itself at its left edge grows the parse stack for ever, unless every step of the cycle is a tail
 * (then the stack comes back unchanged). llama.cpp refuses only cycles it can see with its own idea of "may be empty",
 * and hangs on the others; both are refused here.
 */
function checkLeftRecursion(flat: FlatGrammar): void {
  const nullable = findNullable(flat);
  const plain = (rule: number): boolean => flat.plainlyEmpty[rule] ?? false;
  const order = depthFirst(flat, plain, () => true);
  const depth = new Uint32Array(flat.names.length);
  const steps = new Float64Array(flat.names.length);
  let total = 0;
  for (const rule of order) {
    let deepest = 0;
    let walked = 1;
    leftReferences(flat, rule, plain, (target) => {
      deepest = Math.max(deepest, depth[target] ?? 0);
      walked += steps[target] ?? 0;
    });
    depth[rule] = deepest + 1;
    steps[rule] = walked;
    total += walked;
    if (deepest >= MAX_LEFT_DEPTH || total > MAX_LEFT_STEPS) {
      throw new AppError("invalid", `invalid grammar: rule "${flat.names[rule]}" has too many rules at its left edge`);
    }
  }
  // A growing cycle has a step that is not a tail; a search that starts there must not come back.
  const component = components(flat, (rule) => nullable[rule] === 1);
  for (let rule = 0; rule < flat.names.length; rule++) {
    leftReferences(
      flat,
      rule,
      (target) => nullable[target] === 1,
      (target, isTail) => {
        if (!isTail && component[target] === component[rule]) throw leftRecursion(flat, rule);
      },
    );
  }
}

function leftRecursion(flat: FlatGrammar, rule: number): AppError {
  return new AppError("invalid", `invalid grammar: rule "${ownerName(flat, rule)}" is left-recursive`);
}

/** Generated rules are named after the written rule they come from. */
function ownerName(flat: FlatGrammar, rule: number): string {
  return (flat.names[rule] ?? "").replace(/_.*/, "");
}

/** Post-order over left references without recursion; throws on a cycle when `onCycle` says so. */
function depthFirst(
  flat: FlatGrammar,
  mayBeEmpty: (rule: number) => boolean,
  onCycle: (rule: number) => boolean,
): number[] {
  const order: number[] = [];
  const state = new Uint8Array(flat.names.length);
  for (let first = 0; first < flat.names.length; first++) {
    if (state[first] !== 0) continue;
    const path: { rule: number; targets: number[] }[] = [];
    const enter = (rule: number): void => {
      state[rule] = 1;
      const targets: number[] = [];
      leftReferences(flat, rule, mayBeEmpty, (target) => targets.push(target));
      path.push({ rule, targets });
    };
    enter(first);
    for (let top = path[path.length - 1]; top !== undefined; top = path[path.length - 1]) {
      const target = top.targets.pop();
      if (target === undefined) {
        state[top.rule] = 2;
        order.push(top.rule);
        path.pop();
      } else if (state[target] === 0) enter(target);
      else if (state[target] === 1 && onCycle(target)) throw leftRecursion(flat, target);
    }
  }
  return order;
}

/** Strongly connected components of the left-reference graph (Kosaraju: post-order, then the reversed graph). */
function components(flat: FlatGrammar, mayBeEmpty: (rule: number) => boolean): Int32Array {
  const order = depthFirst(flat, mayBeEmpty, () => false);
  const callers: number[][] = flat.names.map(() => []);
  for (let rule = 0; rule < flat.names.length; rule++) {
    leftReferences(flat, rule, mayBeEmpty, (target) => callers[target]?.push(rule));
  }
  const component = new Int32Array(flat.names.length).fill(-1);
  for (const first of order.toReversed()) {
    const todo = component[first] === -1 ? [first] : [];
    for (let rule = todo.pop(); rule !== undefined; rule = todo.pop()) {
      if (component[rule] !== -1) continue;
      component[rule] = first;
      for (const caller of callers[rule] ?? []) if (component[caller] === -1) todo.push(caller);
    }
  }
  return component;
}

/** Marks rules all of whose elements in some alternative satisfy `passes` or are rules already marked. */
function fixpoint(flat: FlatGrammar, passes: (kind: number, value: number) => boolean): Uint8Array {
  const marked = new Uint8Array(flat.names.length);
  const waiting: number[][] = flat.names.map(() => []);
  // Per alternative: how many rule references are still unmarked; the owner is marked when none is left.
  const owners: number[] = [];
  const missing: number[] = [];
  const ready: number[] = [];
  for (let rule = 0; rule < flat.names.length; rule++) {
    for (const start of flat.alternatives[rule] ?? []) {
      const alternative = owners.push(rule) - 1;
      let count = 0;
      for (let at = start; flat.kinds[at] !== END; at++) {
        const kind = flat.kinds[at] ?? END;
        const value = flat.values[at] ?? 0;
        if (kind === RULE) waiting[value]?.push(alternative);
        if (kind === RULE || !passes(kind, value)) count += 1;
      }
      missing.push(count);
      if (count === 0) ready.push(rule);
    }
  }
  for (let rule = ready.pop(); rule !== undefined; rule = ready.pop()) {
    if (marked[rule] === 1) continue;
    marked[rule] = 1;
    for (const alternative of waiting[rule] ?? []) {
      missing[alternative] = (missing[alternative] ?? 0) - 1;
      if (missing[alternative] === 0) ready.push(owners[alternative] ?? 0);
    }
  }
  return marked;
}

function findNullable(flat: FlatGrammar): Uint8Array {
  return fixpoint(flat, () => false);
}

/** A rule that has no finite text would leave the sampler without a way to end. */
function checkCompletable(flat: FlatGrammar): void {
  const completable = fixpoint(flat, (kind, value) => kind !== CHARS || (flat.classes[value]?.length ?? 0) > 0);
  const stuck = completable.indexOf(0);
  if (stuck !== -1)
    throw new AppError("invalid", `invalid grammar: rule "${ownerName(flat, stuck)}" can never be completed`);
}
