// Go's view of text: UTF-8 lengths and order, Unicode classes, quoting and unquoting as strconv does.
// JavaScript strings carry it. A byte that is not part of valid UTF-8, such as slicing leaves behind, travels as the
// lone surrogate U+DC00 + byte; text from outside must be well-formed so that the two cannot be confused.

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

const STRAY_BYTE = /[\udc80-\udcff]/gu;

export function utf8Bytes(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { 0: stray, index } of text.matchAll(STRAY_BYTE)) {
    parts.push(encoder.encode(text.slice(at, index)), Uint8Array.of(stray.charCodeAt(0) & 0xff));
    at = index + 1;
  }
  return Buffer.concat([...parts, encoder.encode(text.slice(at))]);
}

/** Bounds of the second byte after each lead byte; the others are 0x80..0xbf. */
function secondByteBounds(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  return lead === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf];
}

/** Length of the valid UTF-8 sequence at `at`, 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const [low, high] = secondByteBounds(lead);
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

export function utf8Text(bytes: Uint8Array): string {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    at += length || 1;
    if (length > 0) continue;
    parts.push(strict.decode(bytes.subarray(start, at - 1)), String.fromCharCode(0xdc00 + (bytes[at - 1] ?? 0)));
    start = at;
  }
  parts.push(strict.decode(bytes.subarray(start)));
  return parts.join("");
}

/** Text for the world outside: stray bytes that meet again form characters, the rest becomes U+FFFD. */
export function finishedText(text: string): string {
  return text.isWellFormed() ? text : utf8Text(utf8Bytes(text)).toWellFormed();
}

export function utf8Length(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text, "utf8") : utf8Bytes(text).length;
}

/** Number of code points and stray bytes, what Go calls the rune count. */
export function runeCount(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if ((text.codePointAt(at) ?? 0) > 0xffff) at++;
    count++;
  }
  return count;
}

// In UTF-16 surrogates sort below U+E000..U+FFFF, in UTF-8 the characters they encode sort above.
function byteOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Order of the UTF-8 encodings, which is how Go compares strings and sorts map keys. */
export function compareUtf8(a: string, b: string): number {
  if (!a.isWellFormed() || !b.isWellFormed()) return Buffer.compare(utf8Bytes(a), utf8Bytes(b));
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return byteOrder(x) - byteOrder(y);
  }
  return a.length - b.length;
}

export function isLetterOrDigit(char: string): boolean {
  return /^[\p{L}\p{Nd}]$/u.test(char);
}

/** strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrint(codePoint: number): boolean {
  if (codePoint < 0x7f) return codePoint >= 0x20;
  if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) return false;
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(String.fromCodePoint(codePoint));
}

// unicode.IsSpace differs from JavaScript's trim(): U+0085 counts and U+FEFF does not.
const SPACE = "\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEADING_SPACE = new RegExp(`^[${SPACE}]+`);
const SPACE_CHAR = new RegExp(`^[${SPACE}]$`);

/** strings.TrimSpace. */
export function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE_CHAR.test(text.charAt(end - 1))) end--;
  return text.slice(0, end).replace(LEADING_SPACE, "");
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  12: "\\f",
  10: "\\n",
  13: "\\r",
  9: "\\t",
  11: "\\v",
};

function quotedRune(codePoint: number, quote: string, asciiOnly: boolean): string {
  if (codePoint >= 0xdc80 && codePoint <= 0xdcff) return `\\x${hex(codePoint & 0xff, 2)}`;
  const char = String.fromCodePoint(codePoint);
  if (char === quote || char === "\\") return `\\${char}`;
  if (codePoint < 0x80 || !asciiOnly) {
    if (isPrint(codePoint)) return char;
  }
  const short = SHORT_ESCAPES[codePoint];
  if (short !== undefined) return short;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex(codePoint, 2)}`;
  return codePoint < 0x10000 ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

/** strconv.Quote, or QuoteToASCII. */
export function quote(text: string, asciiOnly = false): string {
  let out = '"';
  for (const char of text) out += quotedRune(char.codePointAt(0) ?? 0xfffd, '"', asciiOnly);
  return `${out}"`;
}

/** strconv.QuoteRune; what is not a Unicode scalar value is shown as U+FFFD. */
export function quoteRune(codePoint: number, asciiOnly = false): string {
  return `'${quotedRune(scalar(codePoint), "'", asciiOnly)}'`;
}

export function scalar(codePoint: number): number {
  const valid = codePoint >= 0 && codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  return valid ? codePoint : 0xfffd;
}

/** fmt's %#U: U+0041 'A'. */
export function describeRune(codePoint: number): string {
  const code = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  return isPrint(codePoint) ? `${code} '${String.fromCodePoint(codePoint)}'` : code;
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92 };
const NUMERIC: Readonly<Record<string, { pattern: RegExp; base: number; byte: boolean }>> = {
  x: { pattern: /^[0-9a-fA-F]{2}/, base: 16, byte: true },
  u: { pattern: /^[0-9a-fA-F]{4}/, base: 16, byte: false },
  U: { pattern: /^[0-9a-fA-F]{8}/, base: 16, byte: false },
};

export interface UnquotedChar {
  value: number;
  /** True when the escape named one byte of the result rather than a character. */
  byte: boolean;
  length: number;
}

function unquoteNumeric(body: string): UnquotedChar | undefined {
  const kind = NUMERIC[body.charAt(1)];
  if (kind) {
    const digits = kind.pattern.exec(body.slice(2, 10))?.[0];
    if (digits === undefined) return undefined;
    const value = Number.parseInt(digits, kind.base);
    if (!kind.byte && scalar(value) !== value) return undefined;
    return { value, byte: kind.byte, length: 2 + digits.length };
  }
  const octal = /^[0-7]{3}/.exec(body.slice(1, 4))?.[0];
  if (octal === undefined) return undefined;
  const value = Number.parseInt(octal, 8);
  return value > 255 ? undefined : { value, byte: true, length: 4 };
}

/** strconv.UnquoteChar: the first character of `body` inside quotes of kind `quote`; undefined is a syntax error. */
export function unquoteChar(body: string, quote: string): UnquotedChar | undefined {
  const first = body.codePointAt(0);
  if (first === undefined) return undefined;
  const char = String.fromCodePoint(first);
  if (char === quote) return undefined;
  if (char !== "\\") return { value: first, byte: false, length: char.length };
  const escape = body.charAt(1);
  if (escape === "'" || escape === '"') {
    return escape === quote ? { value: escape.charCodeAt(0), byte: false, length: 2 } : undefined;
  }
  const simple = Object.hasOwn(ESCAPES, escape) ? ESCAPES[escape] : undefined;
  return simple === undefined ? unquoteNumeric(body) : { value: simple, byte: false, length: 2 };
}

/** strconv.Unquote for "interpreted" and `raw` strings; undefined is a syntax error. */
export function unquote(literal: string): string | undefined {
  const mark = literal.charAt(0);
  const inner = literal.slice(1, -1);
  if (literal.length < 2 || !literal.endsWith(mark)) return undefined;
  if (mark === "`") return inner.includes("`") ? undefined : inner.replaceAll("\r", "");
  if (inner.includes("\n")) return undefined;
  if (!inner.includes("\\")) return inner.includes(mark) ? undefined : inner;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < inner.length;) {
    const char = unquoteChar(inner.slice(at, at + 10), mark);
    if (!char) return undefined;
    parts.push(char.byte ? Uint8Array.of(char.value) : utf8Bytes(String.fromCodePoint(char.value)));
    at += char.length;
  }
  return utf8Text(Buffer.concat(parts));
}
