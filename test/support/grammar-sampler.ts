// Draws random texts from a grammar, from a seed. Rules that lead to an end soonest are preferred once a text is long, so
// recursive grammars end too.

import { type CharSet, rangesOf, subtractChars } from "../../src/formats/grammar/char-set.ts";
import type { ParsedGrammar } from "../../src/formats/grammar/gbnf-check.ts";
import { CHARS, END, RULE } from "../../src/formats/grammar/gbnf-lower.ts";
import type { SeededRandom } from "./seeded-random.ts";

const PRINTABLE: CharSet = [0x20, 0x7e];

export class GrammarSampler {
  private readonly heights: Float64Array;

  constructor(private readonly grammar: ParsedGrammar) {
    this.heights = new Float64Array(grammar.flat.names.length).fill(Infinity);
    this.measure();
  }

  sample(random: SeededRandom, softLimit: number): string {
    const { kinds, values } = this.grammar.flat;
    let text = "";
    const stack: number[] = [this.pick(this.grammar.root, random, false)];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const kind = kinds[at] ?? END;
      if (kind === END) continue;
      stack.push(at + 1);
      if (kind === RULE) stack.push(this.pick(values[at] ?? 0, random, text.length > softLimit || stack.length > 200));
      else if (kind === CHARS) text += this.char(this.grammar.flat.classes[values[at] ?? 0] ?? [], random);
      else throw new Error("the sampler knows no vocabulary");
    }
    return text;
  }

  private pick(rule: number, random: SeededRandom, short: boolean): number {
    const starts = this.grammar.flat.alternatives[rule] ?? [];
    if (!short) return starts[random.below(starts.length)] ?? 0;
    return starts.reduce((best, start) => (this.height(start) < this.height(best) ? start : best), starts[0] ?? 0);
  }

  private char(set: CharSet, random: SeededRandom): string {
    // Mostly printable ASCII, so that escapes and other planes appear but do not drown the rest.
    const outside = subtractChars(set, PRINTABLE);
    const inside = subtractChars(set, outside);
    const chosen = outside.length === 0 || (inside.length > 0 && random.next() < 0.9) ? inside : outside;
    const ranges = rangesOf(chosen);
    const [low, high] = ranges[random.below(ranges.length)] ?? [0, 0];
    return String.fromCodePoint(low + random.below(high - low + 1));
  }

  /** How many rules must be opened one inside the other to finish an alternative. */
  private height(start: number): number {
    const { kinds, values } = this.grammar.flat;
    let height = 0;
    for (let at = start; kinds[at] !== END; at++) {
      height = Math.max(height, kinds[at] === RULE ? (this.heights[values[at] ?? 0] ?? Infinity) + 1 : 1);
    }
    return height;
  }

  private measure(): void {
    const { alternatives, names } = this.grammar.flat;
    for (let changed = true; changed;) {
      changed = false;
      for (let rule = names.length - 1; rule >= 0; rule--) {
        const best = Math.min(...(alternatives[rule] ?? []).map((start) => this.height(start)));
        if (best < (this.heights[rule] ?? Infinity)) {
          this.heights[rule] = best;
          changed = true;
        }
      }
    }
  }
}
