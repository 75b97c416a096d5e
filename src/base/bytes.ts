// Sizes for people: "98 MB", "4.7 GB" (1000-based, Ollama: format/bytes.go) and back.

import { AppError } from "./errors.ts";
import { toFixedEven } from "./fixed.ts";

const DECIMAL_UNITS = [
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["KB", 1e3],
] as const;

const BINARY_UNITS = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
] as const;

/** At least 10 units: an integer, cut not rounded; below that one decimal, unless the value is whole. */
export function humanBytes(sizeBytes: number | bigint): string {
  const bytes = Number(sizeBytes);
  for (const [unit, size] of DECIMAL_UNITS) {
    if (bytes < size) continue;
    const value = bytes / size;
    return value >= 10 || Number.isInteger(value) ? `${Math.trunc(value)} ${unit}` : `${toFixedEven(value, 1)} ${unit}`;
  }
  return `${Math.trunc(bytes)} B`;
}

/** Memory in 1024-based units, always one decimal: "2.2 GiB". */
export function humanBinaryBytes(sizeBytes: number | bigint): string {
  const bytes = Number(sizeBytes);
  for (const [unit, size] of BINARY_UNITS) if (bytes >= size) return `${toFixedEven(bytes / size, 1)} ${unit}`;
  return `${Math.trunc(bytes)} B`;
}

const PARSE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** "4.7 GB", "512MiB" or "1024" as a whole number of bytes. */
export function parseBytes(text: string): number {
  const match = /^\s*(\d{1,18}(?:\.\d{1,18})?)\s*([A-Za-z]{0,3})\s*$/.exec(text);
  const unit = match === null ? undefined : PARSE_UNITS[(match[2] ?? "").toLowerCase()];
  const bytes = unit === undefined ? Number.NaN : Math.round(Number(match?.[1]) * unit);
  if (!Number.isSafeInteger(bytes)) throw new AppError("invalid", `invalid size ${JSON.stringify(text)}`);
  return bytes;
}
