// Number constraints → automaton over the text of a JSON number without an exponent: minimum, maximum and multipleOf, each
// its own automaton, intersected. Comparisons are made on decimal digits, so they are exact.

import { AppError } from "../../base/errors.ts";
import { type Automaton, complement, explore, intersect, lengths, oneOfTexts } from "./automaton.ts";
import { patternAutomaton } from "./automaton-regex.ts";
import { ALL_CHARS, type CharSet, subtractChars, unionChars } from "./char-set.ts";
import { type Decimal, decimalOf, decimalParts } from "./decimal.ts";
import type { Effort } from "./effort.ts";
import { minimize } from "./automaton-minimize.ts";

export interface NumberBound {
  readonly value: number;
  readonly exclusive: boolean;
}

export interface NumberRange {
  readonly min: NumberBound | undefined;
  readonly max: NumberBound | undefined;
  readonly multiples: readonly number[];
}

const MAX_WHOLE_DIGITS = 19;
/** Decimals of at most this many digits never collapse onto each other as doubles. */
const SAFE_DIGITS = 15;
const MAX_REMAINDERS = 2500;

// Letters 0 to 9 are the digits, then "-", ".", and all that no number contains.
const MINUS = 10;
const POINT = 11;
const LETTERS: readonly CharSet[] = (() => {
  const known = Array.from("0123456789-.", (char): CharSet => [char.charCodeAt(0), char.charCodeAt(0)]);
  return [...known, subtractChars(ALL_CHARS, unionChars(known))];
})();

/** `refused` are numbers to leave out; for integers only, whose texts are unique. */
export function numberAutomaton(
  range: NumberRange,
  integer: boolean,
  effort: Effort,
  refused: readonly number[] = [],
): Automaton {
  const bounds = [range.min, range.max].filter((bound) => bound !== undefined);
  const fraction = integer
    ? 0
    : fractionDigits(
        bounds.map(({ value }) => decimalOf(value)),
        range.multiples,
      );
  // Whether a number is a multiple must still be true once it is a double.
  const whole = range.multiples.length === 0 ? MAX_WHOLE_DIGITS : Math.max(1, SAFE_DIGITS - fraction);
  let found = patternAutomaton(
    fraction === 0
      ? `^(0|-?[1-9][0-9]{0,${whole - 1}})$`
      : `^-?(0|[1-9][0-9]{0,${whole - 1}})(\\.[0-9]{1,${fraction}})?$`,
    effort,
  );
  if (range.min !== undefined) found = intersect(found, compared(range.min, "above", fraction, effort), effort);
  if (range.max !== undefined) found = intersect(found, compared(range.max, "below", fraction, effort), effort);
  for (const multiple of range.multiples) found = intersect(found, multiplesOf(multiple, integer, effort), effort);
  const texts = refused.filter(Number.isInteger).map((value) => BigInt(value).toString());
  return minimize(texts.length === 0 ? found : intersect(found, complement(oneOfTexts(texts, effort)), effort), effort);
}

function fractionDigits(bounds: readonly Decimal[], multiples: readonly number[]): number {
  // A multiple of 10^-d has at most d decimals; more would only be zeros.
  if (multiples.length > 0) return Math.max(...multiples.map((multiple) => decimalOf(multiple).scale));
  const wholes = bounds.map((bound) => decimalParts(bound).whole.length);
  return Math.max(1, SAFE_DIGITS - Math.max(1, ...wholes), ...bounds.map(({ scale }) => scale));
}

/** Numbers on the wanted side of the bound. */
function compared(bound: NumberBound, side: "above" | "below", fraction: number, effort: Effort): Automaton {
  const decimal = decimalOf(bound.value);
  const { whole, fraction: decimals } = decimalParts(decimal);
  const isExact =
    fraction > 0 ? whole.length + decimals.length <= SAFE_DIGITS + 1 : Math.abs(bound.value) <= Number.MAX_SAFE_INTEGER;
  if (bound.exclusive && !isExact) {
    throw new AppError("invalid", "has too many digits for an exclusive bound");
  }
  interface Scan {
    /** The sign of the number read, once it is known. */
    readonly sign: "" | "+" | "-";
    /** Whole digits read; -1 once the point was read. */
    readonly whole: number;
    readonly decimals: number;
    /** How the magnitude compares with the bound's so far, digit by digit. */
    readonly order: -1 | 0 | 1;
  }
  const settled = (scan: Scan): Scan => {
    if (scan.whole < 0) return scan;
    return { ...scan, whole: -1, order: scan.whole === whole.length ? scan.order : scan.whole > whole.length ? 1 : -1 };
  };
  const digit = (scan: Scan, value: number): Scan => {
    const sign = scan.sign === "" ? "+" : scan.sign;
    const against = Number((scan.whole < 0 ? decimals[scan.decimals] : whole[scan.whole]) ?? "0");
    const order = scan.order !== 0 ? scan.order : value > against ? 1 : value < against ? -1 : 0;
    if (scan.whole < 0) return { ...scan, order, decimals: scan.decimals + 1 };
    return { ...scan, sign, order, whole: Math.min(scan.whole + 1, whole.length + 1) };
  };
  return explore<Scan>(
    {
      letters: LETTERS,
      start: { sign: "", whole: 0, decimals: 0, order: 0 },
      key: (scan) => `${scan.sign},${scan.whole},${scan.decimals},${scan.order}`,
      step: (scan, letter) => {
        if (letter === MINUS) return scan.sign === "" ? { ...scan, sign: "-" } : undefined;
        if (letter === POINT) return scan.whole < 0 ? undefined : settled(scan);
        if (letter > MINUS || (scan.whole < 0 && scan.decimals >= Math.max(fraction, decimals.length)))
          return undefined;
        return digit(scan, letter);
      },
      accepts: (scan) => {
        const end = settled(scan);
        const rest = /[1-9]/.test(decimals.slice(end.decimals));
        const magnitude = end.order !== 0 ? end.order : rest ? -1 : 0;
        const order = signedOrder(magnitude, end.sign === "-", decimal);
        return order === 0 ? !bound.exclusive : side === "above" ? order > 0 : order < 0;
      },
    },
    effort,
  );
}

/** Orders a number against the bound, from the order of their magnitudes and their signs. */
function signedOrder(magnitude: number, negative: boolean, bound: Decimal): number {
  if (negative === bound.negative) return negative ? -magnitude : magnitude;
  // Equal magnitudes with different signs: only -0 against 0 is the same number.
  if (bound.digits === 0n && magnitude === 0) return 0;
  return negative ? -1 : 1;
}

/** Numbers that are a whole multiple, as decimals: the text is read as an integer count of 10^-scale. */
function multiplesOf(multiple: number, integer: boolean, effort: Effort): Automaton {
  const { digits, scale } = decimalOf(multiple);
  if (digits === 0n) throw new AppError("invalid", "must be greater than 0");
  const divisor = integer ? digits / gcd(digits, 10n ** BigInt(scale)) : digits;
  const places = integer ? 0 : scale;
  if (divisor * BigInt(places + 1) > BigInt(MAX_REMAINDERS))
    throw new AppError("invalid", "is too large a divisor for a grammar");
  const modulus = Number(divisor);
  if (modulus === 1 && integer) return lengths(1, undefined, effort);
  interface Scan {
    readonly remainder: number;
    /** Decimals read, -1 before the point. */
    readonly decimals: number;
  }
  return explore<Scan>(
    {
      letters: LETTERS,
      start: { remainder: 0, decimals: -1 },
      key: (scan) => `${scan.remainder},${scan.decimals}`,
      step: (scan, letter) => {
        if (letter === MINUS) return scan;
        if (letter === POINT) return scan.decimals < 0 ? { ...scan, decimals: 0 } : undefined;
        if (letter > MINUS || scan.decimals >= places) return undefined;
        return {
          remainder: (scan.remainder * 10 + letter) % modulus,
          decimals: scan.decimals < 0 ? -1 : scan.decimals + 1,
        };
      },
      accepts: ({ remainder, decimals }) =>
        (BigInt(remainder) * 10n ** BigInt(places - Math.max(decimals, 0))) % divisor === 0n,
    },
    effort,
  );
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
