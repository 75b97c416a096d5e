// The constraints of a string shape as one automaton, shared by whoever must write, check or compare strings.

import { type Automaton, complement, intersect, lengths, oneOfTexts } from "./automaton.ts";
import { minimize } from "./automaton-minimize.ts";
import { patternAutomaton } from "./automaton-regex.ts";
import type { Shape, StringPattern } from "./schema-shape.ts";
import { about } from "./schema-source.ts";

const formats = new Map<string, Automaton>();

function automatonFor({ source, keyword, negative, path }: StringPattern): Automaton {
  let automaton = keyword === "format" ? formats.get(source) : undefined;
  if (automaton === undefined) {
    automaton = about(path, keyword, () => patternAutomaton(source));
    if (keyword === "format") formats.set(source, automaton);
  }
  return negative ? complement(automaton) : automaton;
}

/** undefined when any string will do, or only its length matters and `ignoreLengthAlone` is set. */
export function stringAutomaton(shape: Shape, path: string, ignoreLengthAlone = false): Automaton | undefined {
  const { patterns, min, max } = shape.string;
  const excluded = shape.notValues.filter((value) => typeof value === "string");
  const parts = patterns.map((pattern) => automatonFor(pattern));
  if (excluded.length > 0) parts.push(about(path, "not", () => complement(oneOfTexts(excluded))));
  if (shape.values !== undefined) {
    const texts = shape.values.filter((value) => typeof value === "string");
    parts.push(about(path, "enum", () => oneOfTexts(texts)));
  }
  const measured = min > 0 || max !== undefined;
  if (measured && !(ignoreLengthAlone && parts.length === 0)) {
    parts.push(about(path, max === undefined ? "minLength" : "maxLength", () => lengths(min, max)));
  }
  if (parts.length === 0) return undefined;
  const combined = patterns[0]?.keyword ?? "maxLength";
  return about(path, combined, () =>
    parts.length === 1 ? parts[0] : minimize(parts.reduce((a, b) => intersect(a, b))),
  );
}
