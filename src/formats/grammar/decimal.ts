// JavaScript numbers as exact decimals, the way they are written: digits / 10^scale.

import { AppError } from "../../base/errors.ts";

export interface Decimal {
  readonly negative: boolean;
  /** Magnitude without sign, as an integer. */
  readonly digits: bigint;
  readonly scale: number;
}

const MAX_SCALE = 40;

export function decimalOf(value: number): Decimal {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null) throw new AppError("invalid", "must be a finite number");
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  let digits = BigInt(whole + fraction);
  let scale = fraction.length - Number(exponent);
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  if (scale > MAX_SCALE) throw new AppError("invalid", `has more than ${MAX_SCALE} decimals`);
  return { negative: sign === "-" && digits !== 0n, digits, scale };
}

/** The integer part and the fraction digits of the magnitude. */
export function decimalParts({ digits, scale }: Decimal): { whole: string; fraction: string } {
  const text = digits.toString().padStart(scale + 1, "0");
  return { whole: text.slice(0, text.length - scale), fraction: text.slice(text.length - scale) };
}
