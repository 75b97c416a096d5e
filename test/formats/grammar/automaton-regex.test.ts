// Patterns as automata, judged by the regular expressions of JavaScript itself.

import { describe, expect, test } from "bun:test";
import { accepts } from "../../../src/formats/grammar/automaton.ts";
import { patternAutomaton } from "../../../src/formats/grammar/automaton-regex.ts";
import { Effort } from "../../../src/formats/grammar/effort.ts";
import { type SeededRandom, seededRandom } from "../../support/seeded-random.ts";

function found(source: string, text: string): boolean {
  return accepts(patternAutomaton(source, new Effort()), text);
}

/** Random patterns over a small alphabet, with everything that is supported in odd places. */
class PatternMaker {
  constructor(private readonly random: SeededRandom) {}

  pick<T>(list: readonly T[]): T {
    const item = list[this.random.below(list.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  whole(): string {
    if (this.random.next() > 0.15) return this.alternatives(2);
    return `^(?${this.pick(["=", "!"])}${this.alternatives(1)})${this.sequence(2)}`;
  }

  private alternatives(depth: number): string {
    return Array.from({ length: 1 + this.random.below(3) }, () => this.sequence(depth)).join("|");
  }

  private sequence(depth: number): string {
    return Array.from({ length: this.random.below(4) }, () => this.quantified(depth)).join("");
  }

  private quantified(depth: number): string {
    const atom = this.atom(depth);
    if (atom === "^" || atom === "$" || this.random.next() < 0.6) return atom;
    return atom + this.pick(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?"]);
  }

  private atom(depth: number): string {
    const kind = this.random.below(depth > 0 ? 8 : 5);
    if (kind >= 5)
      return `(${this.pick(["", "?:", "?<name>"])}${this.alternatives(depth - 1)})`.replace("?<name>", "?:");
    if (kind === 3) return this.pick(["^", "$"]);
    return this.pick(["a", "b", "c", "[ab]", "[^a]", "[a-c]", "[^\\d ]", "\\w", "\\W", "\\d", "\\s", "\\S", ".", "é"]);
  }
}

test("random patterns find what JavaScript finds", () => {
  const random = seededRandom(3);
  const maker = new PatternMaker(random);
  let matches = 0;
  for (let i = 0; i < 800; i++) {
    const source = maker.whole();
    const expected = new RegExp(source, "u");
    const automaton = patternAutomaton(source, new Effort());
    for (let j = 0; j < 12; j++) {
      const text = Array.from({ length: random.below(6) }, () => maker.pick(["a", "b", "c", "1", " ", "é", "\n"])).join(
        "",
      );
      const want = expected.test(text);
      if (want) matches += 1;
      if (accepts(automaton, text) !== want) throw new Error(JSON.stringify({ source, text, want }));
    }
  }
  // Neither everything nor nothing, or the comparison would be idle.
  expect(matches).toBeGreaterThan(2000);
  expect(matches).toBeLessThan(8000);
});

describe("the syntax", () => {
  test.each([
    ["\\u{1F600}", "😀", true],
    ["\\ud83d\\ude00", "😀", true],
    ["\\x41\\u0042\\cJ\\0", "AB\n\0", true],
    ["^[\\w-]+$", "a-b", true],
    ["^[a-]$", "-", true],
    ["^[\\]\\-\\\\]$", "]", true],
    ["^[^]$", "\n", true],
    ["[]", "", false],
    ["^.$", "\u2028", false],
    ["^\\s$", "\ufeff", true],
    ["^\\p{Script=Greek}+$", "αβγ", true],
    ["^\\P{L}$", "a", false],
    ["^a{,3}$", "a{,3}", true],
    ["^{a}$", "{a}", true],
    ["a|^$", "", true],
    ["^(?=.*1)(?!.*x).{2,3}$", "a1", true],
    ["^(?=.*1)(?!.*x).{2,3}$", "x1", false],
  ])("%p in %p: %p", (source, text, want) => expect(found(source, text)).toBe(want));

  test.each([
    ["\\bword\\b", "uses a word boundary (\\b), which is not supported"],
    ["(a)\\1", "uses a back-reference, which is not supported"],
    ["(?<n>a)\\k<n>", "uses a back-reference, which is not supported"],
    ["a(?=b)", "has a look-ahead that is not at its start"],
    ["(?=a)b", 'has a look-ahead that does not follow "^" at its start'],
    ["(?<=a)b", "uses a look-behind, which is not supported"],
    ["(?i:a)", "uses an unknown kind of group"],
    ["(a", 'has no ")" for a group'],
    ["a)", 'has an unmatched ")"'],
    ["[a", "has a character class without an end"],
    ["[b-a]", "has a character range with its end before its start"],
    ["[\\w-a]", "has a range between classes"],
    ["*a", 'has a "*" with nothing before it'],
    ["a**", "has two quantifiers in a row"],
    ["^*", "repeats an anchor"],
    ["a{3,2}", "has a quantifier with its maximum below its minimum"],
    ["\\y", 'has an unknown escape "\\y"'],
    ["\\p{Nope}", "uses an unknown Unicode property"],
    ["^(?=a)b|c", "has look-aheads before alternatives without a group"],
  ])("%p %s", (source, message) => expect(() => found(source, "")).toThrow(message));
});
