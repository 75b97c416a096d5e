// fmt's texts for integers, floats, complex numbers and bytes under printf flags (fmt/format.go).

import { pad, type Flags } from "./flags.ts";
import { formatFloat, type FloatFormat } from "./float.ts";
import { describeRune, isPrint, quoteRune, scalar } from "./go-text.ts";

// No float64 has more significant decimals; the rest of a larger precision is zeros.
const MAX_DECIMALS = 1100;
const FLOAT_PRECISION: Readonly<Record<string, number>> = {
  v: -1,
  b: -1,
  g: -1,
  G: -1,
  x: -1,
  X: -1,
  f: 6,
  e: 6,
  E: 6,
  F: 6,
};
const INTEGER_BASE: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function signOf(negative: boolean, flags: Flags): string {
  if (negative) return "-";
  if (flags.plus) return "+";
  return flags.space ? " " : "";
}

function integerDigits(value: bigint, base: number, verb: string, flags: Flags): string {
  const negative = value < 0n;
  const size = negative ? -value : value;
  if (flags.precision === 0 && size === 0n) return pad("", flags, false);
  const sign = signOf(negative, flags);
  let minimum = flags.precision ?? 0;
  if (flags.precision === undefined && flags.zero && !flags.minus && flags.width !== undefined) {
    minimum = flags.width - sign.length;
  }
  let digits = size.toString(base).padStart(minimum, "0");
  if (verb === "X") digits = digits.toUpperCase();
  if (flags.sharp && base === 2) digits = `0b${digits}`;
  if (flags.sharp && base === 8 && !digits.startsWith("0")) digits = `0${digits}`;
  if (flags.sharp && base === 16) digits = (verb === "X" ? "0X" : "0x") + digits;
  if (verb === "O") digits = `0o${digits}`;
  return pad(sign + digits, flags, false);
}

function unicode(value: bigint, flags: Flags): string {
  const digits = value
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, flags.precision ?? 0), "0");
  const shown = flags.sharp && value <= 0x10ffffn && isPrint(Number(value));
  const character = shown ? describeRune(Number(value)).replace(/^\S+/, "") : "";
  return pad(`U+${digits}${character}`, flags, false);
}

/** Undefined when the verb does not apply to integers. */
export function integerText(value: bigint, verb: string, flags: Flags, isUnsigned: boolean): string | undefined {
  if (verb === "c") return pad(String.fromCodePoint(scalar(Number(value))), flags);
  if (verb === "q") return pad(quoteRune(Number(value), flags.plus), flags);
  if (verb === "U") return unicode(BigInt.asUintN(64, value), flags);
  if (verb === "v" && flags.sharpV && isUnsigned) return integerDigits(value, 16, "x", { ...flags, sharp: true });
  const base = INTEGER_BASE[verb];
  return base === undefined ? undefined : integerDigits(value, base, verb, flags);
}

/** An address: hexadecimal, prefixed unless the sharp flag turns the prefix off. */
export function addressText(address: bigint, flags: Flags): string {
  return integerDigits(address, 16, "x", { ...flags, sharp: !flags.sharp });
}

/** Restores what %#g promises: a decimal point and trailing zeros up to the precision. */
function withPoint(number: string, format: FloatFormat, precision: number): string {
  const isHex = format === "x" || format === "X";
  let missing = 0;
  if (format === "g" || format === "G" || format === "x") missing = precision < 0 ? 6 : precision;
  const cut = number.search(isHex ? /p/i : /[ep]/i);
  const end = cut < 0 ? number.length : cut;
  let head = number.slice(0, end);
  missing -= head.replace(/^[0.]*/, "").replace(".", "").length;
  if (!head.includes(".")) {
    if (head === "0") missing--;
    head += ".";
  }
  return head + "0".repeat(Math.max(0, missing)) + number.slice(end);
}

function withMoreZeros(digits: string, zeros: number): string {
  if (zeros <= 0 || !digits.includes(".")) return digits;
  const cut = digits.search(/[ep]/i);
  const end = cut < 0 ? digits.length : cut;
  return digits.slice(0, end) + "0".repeat(zeros) + digits.slice(end);
}

/** Undefined when the verb does not apply to floats. */
export function floatText(value: number, verb: string, flags: Flags): string | undefined {
  const standard = Object.hasOwn(FLOAT_PRECISION, verb) ? FLOAT_PRECISION[verb] : undefined;
  if (standard === undefined) return undefined;
  const precision = flags.precision ?? standard;
  const format = (verb === "v" ? "g" : verb === "F" ? "f" : verb) as FloatFormat;
  const plain = formatFloat(value, format, Math.min(precision, MAX_DECIMALS));
  let digits = plain.replace(/^[-+]/, "");
  const sign = signOf(plain.startsWith("-"), flags);
  if (digits === "Inf") return pad((sign === "" ? "+" : sign) + digits, flags, false);
  if (digits === "NaN") return pad(sign + digits, flags, false);
  digits = withMoreZeros(digits, precision - MAX_DECIMALS);
  if (flags.sharp && verb !== "b") digits = withPoint(digits, format, precision);
  const missing = (flags.width ?? 0) - digits.length - sign.length;
  // Zero padding goes between the sign and the digits.
  if (flags.zero && !flags.minus && missing > 0) digits = "0".repeat(missing) + digits;
  return pad(sign + digits, flags);
}

/** Undefined when the verb does not apply to complex numbers. Width applies to each part. */
export function complexText(re: number, im: number, verb: string, flags: Flags): string | undefined {
  const real = floatText(re, verb, flags);
  const imaginary = floatText(im, verb, { ...flags, plus: true });
  return real === undefined || imaginary === undefined ? undefined : `(${real}${imaginary}i)`;
}

/** %x and %X of a string or byte slice. */
export function hexText(bytes: Uint8Array, verb: string, flags: Flags): string {
  const upper = verb === "X";
  const shown = bytes.subarray(0, Math.min(flags.precision ?? bytes.length, bytes.length));
  const prefix = flags.sharp && shown.length > 0 ? `0${verb}` : "";
  const hex = Buffer.from(shown).toString("hex");
  const digits = upper ? hex.toUpperCase() : hex;
  const text = flags.space ? (digits.match(/../g) ?? []).map((pair) => prefix + pair).join(" ") : prefix + digits;
  return pad(text, flags);
}
