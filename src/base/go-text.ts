// How Go looks at text: which runes count as printable (strconv.IsPrint) and how %q quotes a string (strconv.Quote).
// Go's tables stop at Unicode 15; characters that are newer stay printable here, so that new emoji are not lost.

const PRINTABLE = String.raw`\p{L}\p{M}\p{N}\p{P}\p{S} `;
const UNPRINTABLE = new RegExp(`[^${PRINTABLE}]`, "gu");
const UNPRINTABLE_EXCEPT_TAB = new RegExp(`[^${PRINTABLE}\t]`, "gu");

/** The text without the runes Go calls unprintable; tabs stay. */
export function dropUnprintable(text: string): string {
  return text.replace(UNPRINTABLE_EXCEPT_TAB, "");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": String.raw`\a`,
  "\b": String.raw`\b`,
  "\f": String.raw`\f`,
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`,
  "\v": String.raw`\v`,
};

export function goQuote(text: string): string {
  const escaped = text.toWellFormed().replace(/["\\]/g, String.raw`\$&`);
  return `"${escaped.replace(UNPRINTABLE, escapeRune)}"`;
}

/** %q of a single rune. */
export function goQuoteRune(char: string): string {
  if (char === "'" || char === "\\") return `'\\${char}'`;
  return `'${char.toWellFormed().replace(UNPRINTABLE, escapeRune)}'`;
}

function escapeRune(char: string): string {
  const known = ESCAPES[char];
  if (known !== undefined) return known;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
