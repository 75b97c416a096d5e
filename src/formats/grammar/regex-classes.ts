// The named character classes of ECMA-262 patterns: \d \w \s, the dot, and Unicode properties.

import { ALL_CHARS, type CharSet, charSet, subtractChars } from "./char-set.ts";
import type { Effort } from "./effort.ts";

const DIGITS = charSet([[0x30, 0x39]]);

const WORD = charSet([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);

// ECMA-262 WhiteSpace and LineTerminator.
const SPACE = charSet([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);

const LINE_ENDS = charSet([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);

export const ANY_BUT_LINE_ENDS = subtractChars(ALL_CHARS, LINE_ENDS);

export const CLASS_ESCAPES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: subtractChars(ALL_CHARS, DIGITS),
  w: WORD,
  W: subtractChars(ALL_CHARS, WORD),
  s: SPACE,
  S: subtractChars(ALL_CHARS, SPACE),
};

/** No range crosses from one UTF-16 unit to two. */
const ONE_WIDTH = [
  [0, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
] as const;

const properties = new Map<string, CharSet>();
const MAX_REMEMBERED = 64;
/** What going through all characters costs, in the steps that automata are counted in. */
const PROPERTY_STEPS = 200_000;

/** The characters with a Unicode property, or undefined when this engine does not know the property. */
export function unicodeProperty(name: string, effort: Effort): CharSet | undefined {
  const known = properties.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z_]{1,40}(=[A-Za-z_]{1,40})?$/.test(name)) return undefined;
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${name}}+`, "gu");
  } catch {
    return undefined;
  }
  effort.spend(PROPERTY_STEPS);
  const ranges: [number, number][] = [];
  for (const { first, text } of allCharacters()) {
    const width = first > 0xffff ? 2 : 1;
    for (const run of text.matchAll(runs)) {
      const low = first + run.index / width;
      ranges.push([low, low + run[0].length / width - 1]);
    }
  }
  const set = charSet(ranges);
  if (properties.size >= MAX_REMEMBERED) properties.clear();
  properties.set(name, set);
  return set;
}

/** Every character in order, in pieces of one UTF-16 width each. */
function* allCharacters(): Generator<{ first: number; text: string }> {
  const size = 0x2000;
  for (const [low, high] of ONE_WIDTH) {
    for (let first = low; first <= high; first += size) {
      const count = Math.min(size, high - first + 1);
      yield { first, text: String.fromCodePoint(...Array.from({ length: count }, (_, i) => first + i)) };
    }
  }
}
