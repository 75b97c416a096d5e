// The constraints of a string shape as one automaton, shared by whoever must write, check or compare strings.

import { type Automaton, complement, intersect, lengths, oneOfTexts } from "./automaton.ts";
import { minimize } from "./automaton-minimize.ts";
import { patternAutomaton } from "./automaton-regex.ts";
import { Effort } from "./effort.ts";
import type { Shape, StringPattern, StringShape } from "./schema-shape.ts";
import { about } from "./schema-source.ts";

/** There are few formats and all schemas share them, so their automata are kept. */
const formats = new Map<string, Automaton>();

const compiled = new WeakMap<StringPattern, Automaton>();

function automatonFor(pattern: StringPattern, effort: Effort): Automaton {
  const { source, keyword, negative, path } = pattern;
  let automaton = keyword === "format" ? formats.get(source) : compiled.get(pattern);
  if (automaton === undefined) {
    automaton = about(path, keyword, () => patternAutomaton(source, keyword === "format" ? new Effort() : effort));
    if (keyword === "format") formats.set(source, automaton);
    else compiled.set(pattern, automaton);
  }
  return negative ? complement(automaton) : automaton;
}

const checked = new WeakMap<StringShape, readonly Automaton[]>();

/** One automaton per pattern and format: for checking a text, which need not be done in one go. */
export function patternAutomata(shape: StringShape, effort: Effort): readonly Automaton[] {
  let automata = checked.get(shape);
  if (automata === undefined) {
    automata = shape.patterns.map((pattern) => automatonFor(pattern, effort));
    checked.set(shape, automata);
  }
  return automata;
}

/** undefined when any string will do, or only its length matters and `ignoreLengthAlone` is set. */
export function stringAutomaton(
  shape: Shape,
  path: string,
  effort: Effort,
  ignoreLengthAlone = false,
): Automaton | undefined {
  const { patterns, min, max } = shape.string;
  const excluded = shape.notValues.filter((value) => typeof value === "string");
  const parts = [...patternAutomata(shape.string, effort)];
  if (excluded.length > 0) parts.push(about(path, "not", () => complement(oneOfTexts(excluded, effort))));
  if (shape.values !== undefined) {
    const texts = shape.values.filter((value) => typeof value === "string");
    parts.push(about(path, "enum", () => oneOfTexts(texts, effort)));
  }
  const measured = min > 0 || max !== undefined;
  if (measured && !(ignoreLengthAlone && parts.length === 0)) {
    parts.push(about(path, max === undefined ? "minLength" : "maxLength", () => lengths(min, max, effort)));
  }
  if (parts.length <= 1) return parts[0];
  // With several constraints the one that makes it too much is the length, if there is one.
  const blamed = measured ? (max === undefined ? "minLength" : "maxLength") : (patterns[0]?.keyword ?? "not");
  return about(path, blamed, () =>
    minimize(
      parts.reduce((a, b) => intersect(a, b, effort)),
      effort,
    ),
  );
}
