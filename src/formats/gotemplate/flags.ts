// The flags, width and precision of one printf directive, and the padding they ask for (fmt/format.go).

import { runeCount } from "./go-text.ts";

export interface Flags {
  width: number | undefined;
  precision: number | undefined;
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** %+v and %#v, once the verb is known to be v. */
  plusV: boolean;
  sharpV: boolean;
}

export function noFlags(): Flags {
  return {
    width: undefined,
    precision: undefined,
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    plusV: false,
    sharpV: false,
  };
}

/** Pads to the width: with zeros only on the left and only where `zeros` allows. */
export function pad(text: string, flags: Flags, zeros = flags.zero): string {
  const missing = (flags.width ?? 0) - runeCount(text);
  if (missing <= 0) return text;
  return flags.minus ? text + " ".repeat(missing) : (zeros ? "0" : " ").repeat(missing) + text;
}

/** The first `precision` characters. */
export function truncate(text: string, { precision }: Flags): string {
  if (precision === undefined || text.length <= precision) return text;
  let end = 0;
  for (let count = 0; count < precision && end < text.length; count++)
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
