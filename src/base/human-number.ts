// Parameter counts for people: "134.52M", "7B" (Ollama: format/format.go).

import { toFixedEven } from "./fixed.ts";

export function humanNumber(count: number | bigint): string {
  const value = Number(count);
  if (value >= 1e9) return `${scaled(value / 1e9, 1)}B`;
  if (value >= 1e6) return `${scaled(value / 1e6, 2)}M`;
  if (value >= 1e3) return `${toFixedEven(value / 1e3, 0)}K`;
  return String(count);
}

function scaled(value: number, digits: number): string {
  return toFixedEven(value, Number.isInteger(value) ? 0 : digits);
}
