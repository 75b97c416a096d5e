// How the text of an environment variable becomes a value: each way says what it makes of text it cannot read.

import { parseDuration } from "./duration.ts";

export interface Setting<T> {
  readonly env: string;
  readonly parse: (text: string) => T;
  readonly fallback: T;
  readonly summary: string;
}

export function setting<T>(env: string, parse: (text: string) => T, fallback: T, summary: string): Setting<T> {
  return { env, parse, fallback, summary };
}

/** What could not be read, for the log; the default holds instead. */
export const settingWarnings: string[] = [];

/** Unparsable numbers warn and give the default (Ollama: envconfig.Uint). */
function integer(env: string, fallback: number): (text: string) => number {
  return (text) => {
    if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    settingWarnings.push(`invalid ${env}=${text}, using default ${fallback}`);
    return fallback;
  };
}

/** Text that is no boolean counts as true (Ollama: envconfig.BoolWithDefault). */
export function boolean(text: string): boolean {
  return !["0", "f", "F", "false", "FALSE", "False"].includes(text);
}

/** What opens a door must be meant: only a clear yes counts. */
export function consent(env: string): (text: string) => boolean {
  return (value) => {
    if (["1", "t", "true", "yes", "on"].includes(value.toLowerCase())) return true;
    if (!["0", "f", "false", "no", "off"].includes(value.toLowerCase()))
      settingWarnings.push(`${env}=${value} is neither true nor false, using false`);
    return false;
  };
}

export function text(value: string): string {
  return value;
}

export function integerSetting(env: string, fallback: number, summary: string): Setting<number> {
  return setting(env, integer(env, fallback), fallback, summary);
}

/** Milliseconds; negative is forever (Infinity). A bare number is seconds. */
export function lifetime(fallbackMs: number): (value: string) => number {
  return (value) => {
    const ms = /^-?\d+$/.test(value) ? Number(value) * 1000 : parseDurationOr(value, fallbackMs);
    return ms < 0 ? Number.POSITIVE_INFINITY : ms;
  };
}

function parseDurationOr(value: string, fallbackMs: number): number {
  try {
    return Number(parseDuration(value)) / 1e6;
  } catch {
    settingWarnings.push(`invalid duration "${value}", using default`);
    return fallbackMs;
  }
}

/** Milliseconds; 0 and less is never (Infinity). A bare number is seconds. */
export function timeout(fallbackMs: number): (value: string) => number {
  return (value) => {
    const ms = /^-?\d+$/.test(value) ? Number(value) * 1000 : parseDurationOr(value, fallbackMs);
    return ms <= 0 ? Number.POSITIVE_INFINITY : ms;
  };
}

/** Milliseconds; less than 0 is 0. A bare number is seconds. */
export function waiting(fallbackMs: number): (value: string) => number {
  return (value) => {
    const ms = /^\d+$/.test(value) ? Number(value) * 1000 : parseDurationOr(value, fallbackMs);
    return Math.max(0, ms);
  };
}

/** 0 info, 1 debug, 2 trace; "true" is 1. */
export function debugLevel(value: string): number {
  const number = Number(value);
  return Number.isInteger(number) ? number : boolean(value) ? 1 : 0;
}
