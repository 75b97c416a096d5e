// The named character classes of ECMA-262 patterns: \d \w \s, the dot, and Unicode properties.

import { ALL_CHARS, type CharSet, charSet, subtractChars } from "./char-set.ts";

export const DIGITS = charSet([[0x30, 0x39]]);

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

const properties = new Map<string, CharSet>();
const MAX_REMEMBERED = 64;

/** The characters with a Unicode property, or undefined when this engine does not know the property. */
export function unicodeProperty(name: string): CharSet | undefined {
  const known = properties.get(name);
  if (known !== undefined) return known;
  if (!/^[A-Za-z_]{1,40}(=[A-Za-z_]{1,40})?$/.test(name)) return undefined;
  let test: RegExp;
  try {
    test = new RegExp(`^\\p{${name}}$`, "u");
  } catch {
    return undefined;
  }
  const ranges: [number, number][] = [];
  for (let i = 0; i < ALL_CHARS.length; i += 2) {
    for (let code = ALL_CHARS[i] ?? 0; code <= (ALL_CHARS[i + 1] ?? 0); code++) {
      if (!test.test(String.fromCodePoint(code))) continue;
      const last = ranges[ranges.length - 1];
      if (last !== undefined && last[1] === code - 1) last[1] = code;
      else ranges.push([code, code]);
    }
  }
  const set = charSet(ranges);
  if (properties.size >= MAX_REMEMBERED) properties.clear();
  properties.set(name, set);
  return set;
}
