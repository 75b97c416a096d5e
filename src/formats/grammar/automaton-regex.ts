// Regular expression → automaton by way of a non-deterministic one. A pattern is searched for anywhere in the text, as
// JSON Schema's `pattern` is; "^" edges open only before the first character, "$" edges only after the last.

import { type Automaton, MAX_STATES, complement, explore, intersect, trim } from "./automaton.ts";
import { ALL_CHARS, type CharSet, hasChar } from "./char-set.ts";
import { type Effort, tooComplex } from "./effort.ts";
import { minimize } from "./automaton-minimize.ts";
import type { Pattern, Regex } from "./regex-ast.ts";
import { parsePattern } from "./regex-parse.ts";

/** The texts in which the pattern is found. */
export function patternAutomaton(source: string, effort: Effort): Automaton {
  return automatonOf(parsePattern(source, effort), effort);
}

function automatonOf(pattern: Pattern, effort: Effort): Automaton {
  let found = search(pattern.body, effort);
  for (const { body, negative } of pattern.lookaheads) {
    const ahead = search(body, effort);
    found = intersect(found, negative ? complement(ahead) : ahead, effort);
  }
  return minimize(found, effort);
}

const MAX_NODES = 30_000;

type Edge = "always" | "start" | "end" | CharSet;

/** Nodes with edges; a node's edges are pairs of a condition and a target. */
class Network {
  readonly edges: [Edge, number][][] = [];

  constructor(private readonly effort: Effort) {}

  node(): number {
    if (this.edges.length >= MAX_NODES) throw tooComplex();
    return this.edges.push([]) - 1;
  }

  link(from: number, edge: Edge, to: number): void {
    this.effort.spend(1);
    this.edges[from]?.push([edge, to]);
  }

  /** Builds the expression after `from`; answers the node where it ends. */
  build(regex: Regex, from: number): number {
    switch (regex.is) {
      case "chars":
      case "start":
      case "end": {
        const to = this.node();
        this.link(from, regex.is === "chars" ? regex.set : regex.is, to);
        return to;
      }
      case "sequence":
        return regex.items.reduce((at, item) => this.build(item, at), from);
      case "choice": {
        const to = this.node();
        for (const option of regex.options) this.link(this.build(option, from), "always", to);
        return to;
      }
      case "repeat":
        return this.repeat(regex.item, regex.min, regex.max, from);
      default:
        return regex satisfies never;
    }
  }

  private repeat(item: Regex, min: number, max: number | undefined, from: number): number {
    if (Math.max(min, max ?? 0) > MAX_STATES) throw tooComplex();
    let at = from;
    for (let i = 0; i < min; i++) at = this.build(item, this.fresh(at));
    if (max === undefined) {
      const loop = this.fresh(at);
      this.link(this.build(item, loop), "always", loop);
      return loop;
    }
    const end = this.node();
    this.link(at, "always", end);
    for (let i = min; i < max; i++) {
      at = this.build(item, this.fresh(at));
      this.link(at, "always", end);
    }
    return end;
  }

  /** A node of its own, so that loops and options cannot leak into what shares `at`. */
  private fresh(at: number): number {
    this.effort.spend(1);
    const node = this.node();
    this.link(at, "always", node);
    return node;
  }
}

function search(body: Regex, effort: Effort): Automaton {
  const network = new Network(effort);
  const start = network.node();
  const anywhere = network.node();
  network.link(start, "always", anywhere);
  network.link(anywhere, ALL_CHARS, anywhere);
  const begin = network.node();
  network.link(anywhere, "always", begin);
  const found = network.build(body, begin);
  network.link(found, ALL_CHARS, found);
  return determinize(network.edges, start, found, effort);
}

/** A set of nodes, closed over the edges that are open wherever the text may still go on. */
interface NodeSet {
  readonly nodes: readonly number[];
  readonly atStart: boolean;
}

function determinize(edges: readonly [Edge, number][][], start: number, found: number, effort: Effort): Automaton {
  const close = (nodes: readonly number[], open: (edge: Edge) => boolean): number[] => {
    const seen = new Set(nodes);
    for (const node of seen) {
      effort.spend(1);
      for (const [edge, to] of edges[node] ?? []) if (open(edge)) seen.add(to);
    }
    return [...seen].sort((a, b) => a - b);
  };
  const first = close([start], (edge) => edge === "always" || edge === "start");
  const letters = alphabet(edges, effort);
  const samples = letters.map((set) => set[0] ?? 0);
  return trim(
    explore<NodeSet>(
      {
        letters,
        start: { nodes: first, atStart: true },
        key: ({ nodes, atStart }) => `${atStart ? "^" : ""}${nodes.join()}`,
        step: ({ nodes }, letter) => {
          const reached: number[] = [];
          for (const node of nodes) {
            effort.spend(1);
            // Once found, whatever follows is fine: all such sets are one state.
            if (node === found) return { nodes: [found], atStart: false };
            for (const [edge, to] of edges[node] ?? []) {
              if (typeof edge !== "string" && hasChar(edge, samples[letter] ?? 0)) reached.push(to);
            }
          }
          return reached.length === 0
            ? undefined
            : { nodes: close(reached, (edge) => edge === "always"), atStart: false };
        },
        accepts: ({ nodes, atStart }) => {
          const open = (edge: Edge): boolean => edge === "always" || edge === "end" || (atStart && edge === "start");
          return close(nodes, open).includes(found);
        },
      },
      effort,
    ),
  );
}

/** Splits all characters into the fewest sets whose members no edge tells apart. */
function alphabet(edges: readonly [Edge, number][][], effort: Effort): CharSet[] {
  const sets = new Map<string, CharSet>([["all", ALL_CHARS]]);
  for (const list of edges) for (const [edge] of list) if (typeof edge !== "string") sets.set(edge.join(), edge);
  const borders = [
    ...new Set([...sets.values()].flatMap((set) => set.map((code, i) => (i % 2 === 0 ? code : code + 1)))),
  ];
  borders.sort((a, b) => a - b);
  const groups = new Map<string, number[]>();
  borders.forEach((low, i) => {
    const next = borders[i + 1];
    if (next === undefined || !hasChar(ALL_CHARS, low)) return;
    effort.spend(sets.size);
    const signature = [...sets.values()].map((set) => (hasChar(set, low) ? "1" : "0")).join("");
    const group = groups.get(signature) ?? [];
    if (group[group.length - 1] === low - 1) group[group.length - 1] = next - 1;
    else group.push(low, next - 1);
    groups.set(signature, group);
  });
  return [...groups.values()];
}
