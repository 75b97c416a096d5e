// Go durations both ways, in whole nanoseconds (a signed 64-bit range): parse accepts and refuses exactly what
// time.ParseDuration does, with its messages; format prints what Duration.String prints.

import { AppError } from "./errors.ts";

const LIMIT = 1n << 63n;

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n], // U+00B5, micro sign
  ["μs", 1_000n], // U+03BC, Greek letter mu
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

export function parseDuration(text: string): bigint {
  const sign = /^[-+]/.exec(text)?.[0] ?? "";
  let rest = text.slice(sign.length);
  if (rest === "0") return 0n;
  if (rest === "") throw problem("invalid duration", text);
  let total = 0n;
  while (rest !== "") {
    const match = /^(\d*)(?:\.(\d*))?([^.\d]*)/.exec(rest);
    const [token = "", whole = "", fraction = "", unitName = ""] = match ?? [];
    if (whole === "" && fraction === "") throw problem("invalid duration", text);
    const count = leadingInteger(whole);
    if (count === undefined) throw problem("invalid duration", text);
    if (unitName === "") throw problem("missing unit in duration", text);
    const unit = UNITS.get(unitName);
    if (unit === undefined) throw problem(`unknown unit ${quoted(unitName)} in duration`, text);
    if (count > LIMIT / unit) throw problem("invalid duration", text);
    total += count * unit + fractionOf(fraction, unit);
    if (total > LIMIT) throw problem("invalid duration", text);
    rest = rest.slice(token.length);
  }
  if (sign === "-") return -total;
  if (total === LIMIT) throw problem("invalid duration", text);
  return total;
}

function leadingInteger(digits: string): bigint | undefined {
  const significant = digits.replace(/^0+/, "");
  if (significant.length > 19) return undefined;
  const value = BigInt(significant);
  return value > LIMIT ? undefined : value;
}

/** Digits beyond 63 bits are dropped and the product is cut to a whole nanosecond, as Go does in float64. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > (LIMIT - 1n) / 10n) break;
    const next = value * 10n + BigInt(digit);
    if (next > LIMIT) break;
    value = next;
    scale *= 10;
  }
  return value === 0n ? 0n : BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

function problem(what: string, text: string): AppError {
  return new AppError("invalid", `time: ${what} ${quoted(text)}`);
}

/** Go's time package quotes with \xNN for control characters and for every byte outside ASCII. */
function quoted(text: string): string {
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    if (byte >= 0x80 || byte < 0x20) out += `\\x${byte.toString(16).padStart(2, "0")}`;
    else if (byte === 0x22 || byte === 0x5c) out += `\\${String.fromCharCode(byte)}`;
    else out += String.fromCharCode(byte);
  }
  return `"${out}"`;
}

export function formatDuration(nanoseconds: bigint | number): string {
  const value = typeof nanoseconds === "bigint" ? nanoseconds : BigInt(Math.trunc(nanoseconds));
  const sign = value < 0n ? "-" : "";
  const size = value < 0n ? -value : value;
  if (size === 0n) return "0s";
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, places: number): string {
  const scale = 10n ** BigInt(places);
  const fraction = (value % scale).toString().padStart(places, "0").replace(/0+$/, "");
  return fraction === "" ? String(value / scale) : `${value / scale}.${fraction}`;
}
