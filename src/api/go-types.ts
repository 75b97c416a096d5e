// Types of Ollama's that read their JSON themselves (api/types.go), by what they refuse and in which words.

import { AppError } from "../base/errors.ts";
import { parseDuration } from "../base/duration.ts";
import { goQuote } from "../base/go-text.ts";

/** A number is seconds, a string a Go duration; negative is for ever (spec 2.45). Throws `invalid`. */
export function keepAliveMs(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  if (typeof value === "string") {
    const ms = Number(parseDuration(value)) / 1e6;
    return ms < 0 ? Number.POSITIVE_INFINITY : ms;
  }
  throw new AppError("invalid", `Unsupported type: '${interfaceType(value)}'`);
}

/** What Go holds a JSON value in that it knows nothing about. */
function interfaceType(value: unknown): string {
  if (typeof value === "boolean") return "bool";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

export const THINK_LEVELS = ["low", "medium", "high", "max"] as const;

export type ThinkWish = boolean | (typeof THINK_LEVELS)[number];

const THINK_WORDS = '"high", "medium", "low", "max", true, or false';

/** Throws `invalid`. */
export function thinkWish(value: unknown): ThinkWish | undefined {
  if (value === undefined || value === null || typeof value === "boolean") return value ?? undefined;
  const level = THINK_LEVELS.find((word) => word === value);
  if (level !== undefined) return level;
  if (typeof value !== "string") throw new AppError("invalid", `think must be a boolean or string (${THINK_WORDS})`);
  throw new AppError("invalid", `invalid think value: ${goQuote(value)} (must be ${THINK_WORDS})`);
}

/** Images are base64 with padding; line breaks may stand anywhere. Throws `invalid` with the place of the first mistake. */
export function checkBase64(text: string): void {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return;
  const at = firstBadBase64(Buffer.from(text, "utf8"));
  if (at !== undefined) throw new AppError("invalid", `illegal base64 data at input byte ${at}`);
}

const PAD = 0x3d;

/** Where encoding/base64 stops: bytes in groups of four, the last of which may end in padding. */
function firstBadBase64(bytes: Buffer): number | undefined {
  const isBreak = (at: number) => bytes[at] === 0x0a || bytes[at] === 0x0d;
  const afterBreaks = (from: number) => {
    let at = from;
    while (isBreak(at)) at++;
    return at;
  };
  let inGroup = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (isBreak(at)) continue;
    const byte = bytes[at] ?? 0;
    if (byte !== PAD) {
      if (!/[A-Za-z0-9+/]/.test(String.fromCharCode(byte))) return at;
      inGroup = (inGroup + 1) % 4;
      continue;
    }
    if (inGroup < 2) return at;
    let next = at + 1;
    if (inGroup === 2) {
      next = afterBreaks(next);
      if (next === bytes.length) return next;
      if (bytes[next] !== PAD) return next - 1;
      next++;
    }
    next = afterBreaks(next);
    return next < bytes.length ? next : undefined;
  }
  return inGroup === 0 ? undefined : bytes.length - inGroup;
}
