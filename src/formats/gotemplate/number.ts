// Number and character constants by Go's literal rules: one constant may serve as int, uint, float or complex.
// `undefined` parts mean the constant has no value of that type (text/template/parse/node.go).

import { quote, unquoteChar } from "./go-text.ts";

export interface NumberConstant {
  readonly int?: bigint;
  readonly float?: number;
  readonly complex?: { readonly re: number; readonly im: number };
  /** Fits uint64 although it may not fit int64. */
  readonly isUint: boolean;
}

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/** An integer literal with Go's prefixes and underscores; undefined when it is not one. */
function parseInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/.exec(text);
  if (!match) return undefined;
  let digits = (match[2] ?? "").replaceAll("_", "");
  // Go reads a leading 0 as octal; BigInt only knows the 0o spelling.
  if (/^0[0-7]+$/.test(digits)) digits = `0o${digits.slice(1)}`;
  const value = BigInt(digits);
  return match[1] === "-" ? -value : value;
}

function parseHexFloat(text: string): number | undefined {
  const match = /^([+-]?)0[xX]((?:_?[0-9a-fA-F])*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?[0-9]+)$/.exec(text);
  if (!match) return undefined;
  const whole = (match[2] ?? "").replaceAll("_", "");
  const fraction = (match[3] ?? "").replaceAll("_", "");
  if (whole.length + fraction.length === 0) return undefined;
  const mantissa = Number(BigInt(`0x${whole}${fraction}`));
  const value = mantissa * 2 ** (Number(match[4]) - 4 * fraction.length);
  return match[1] === "-" ? -value : value;
}

/** strconv.ParseFloat; undefined when it is not a float or is out of range. */
function parseFloat64(text: string): number | undefined {
  if (/^[+-]?0[xX]/.test(text)) return parseHexFloat(text);
  if (!/^[+-]?(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?$/.test(text))
    return undefined;
  const value = Number(text.replaceAll("_", ""));
  return Number.isFinite(value) ? value : undefined;
}

/** The int and uint faces of a float that has no fraction. */
function integral(value: number): { int?: bigint; isUint: boolean } {
  if (!Number.isInteger(value)) return { isUint: false };
  const whole = BigInt(value);
  const isUint = whole >= 0n && whole <= MAX_UINT;
  return whole >= MIN_INT && whole <= MAX_INT ? { int: whole, isUint } : { isUint };
}

function fromComplex(re: number, im: number): NumberConstant {
  const complex = { re, im };
  return im === 0 ? { complex, float: re, ...integral(re) } : { complex, isUint: false };
}

function parseComplex(text: string): NumberConstant | string {
  const match = /^(.*[^eEpP])([+-].*)i$/.exec(text);
  const re = parseFloat64(match?.[1] ?? "");
  const im = parseFloat64(match?.[2] ?? "");
  if (re === undefined || im === undefined) return "syntax error scanning complex number";
  return fromComplex(re, im);
}

function parseCharacter(text: string): NumberConstant | string {
  const char = unquoteChar(text.slice(1), "'");
  if (!char) return "invalid syntax";
  if (text.slice(1 + char.length) !== "'") return `malformed character constant: ${text}`;
  return { int: BigInt(char.value), float: char.value, isUint: true };
}

/** A constant, or the text of the error Go reports for it. */
export function parseNumber(text: string, kind: "number" | "complex" | "char-constant"): NumberConstant | string {
  if (kind === "char-constant") return parseCharacter(text);
  if (kind === "complex") return parseComplex(text);
  if (text.endsWith("i")) {
    const imaginary = parseFloat64(text.slice(0, -1));
    if (imaginary !== undefined) return fromComplex(0, imaginary);
  }
  const whole = parseInteger(text);
  if (whole !== undefined && whole >= MIN_INT && whole <= MAX_INT) {
    const unsigned = whole > 0n ? !/^[+-]/.test(text) : whole === 0n;
    return { int: whole, float: Number(whole), isUint: unsigned };
  }
  if (whole !== undefined && whole > 0n && whole <= MAX_UINT && !/^[+-]/.test(text)) {
    return { float: Number(whole), isUint: true };
  }
  const float = parseFloat64(text);
  if (float === undefined) return `illegal number syntax: ${quote(text)}`;
  if (!/[.eEpP]/.test(text)) return `integer overflow: ${quote(text)}`;
  return { float, ...integral(float) };
}
