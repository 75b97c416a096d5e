// RFC 3339 instants with nanoseconds, as Go prints them (RFC3339Nano) and as clients send them. An instant is a count of
// nanoseconds since 1970-01-01T00:00:00Z.

import { AppError } from "./errors.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

/** Go's zero time, 0001-01-01T00:00:00Z: what "never" looks like on the wire. */
export const zeroTimeNs = -62_135_596_800n * NS_PER_SECOND;

export function nowNs(): bigint {
  return BigInt(Date.now()) * NS_PER_MS;
}

export function formatUtc(timeNs: bigint): string {
  return `${formatFields(timeNs)}Z`;
}

let lastMs = NaN;
let lastText = "";

/** The present, in UTC. Every streamed chunk carries one, and those of one decode step carry the same. */
export function formatNow(): string {
  const ms = Date.now();
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
  }
  return lastText;
}

/** With the offset this machine's time zone has at that instant; Go prints `Z` where the offset is zero. */
export function formatLocal(timeNs: bigint, offsetMinutes: number = localOffsetMinutes(timeNs)): string {
  if (offsetMinutes === 0) return formatUtc(timeNs);
  const size = Math.abs(offsetMinutes);
  const zone = `${twoDigits(Math.trunc(size / 60))}:${twoDigits(size % 60)}`;
  return `${formatFields(timeNs + BigInt(offsetMinutes) * 60n * NS_PER_SECOND)}${offsetMinutes < 0 ? "-" : "+"}${zone}`;
}

function formatFields(timeNs: bigint): string {
  const seconds = floorDivide(timeNs, NS_PER_SECOND);
  const ms = Number(seconds) * 1000;
  const text = Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "+";
  if (!/^\d/.test(text)) throw new AppError("invalid", "Time.MarshalJSON: year outside of range [0,9999]");
  const fraction = (timeNs - seconds * NS_PER_SECOND).toString().padStart(9, "0").replace(/0+$/, "");
  return fraction === "" ? text.slice(0, 19) : `${text.slice(0, 19)}.${fraction}`;
}

export function localOffsetMinutes(timeNs: bigint): number {
  const minutes = -new Date(Number(timeNs / NS_PER_MS)).getTimezoneOffset();
  // Zones before 1900 have offsets with seconds; RFC 3339 cannot say those.
  return Number.isFinite(minutes) ? Math.round(minutes) : 0;
}

// Go also takes a comma before the fraction and an hour of one digit.
const PATTERN = /^(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,64}))?(?:Z|([+-])(\d\d):(\d\d))$/;

export function parseRfc3339(text: string): bigint {
  const match = PATTERN.exec(text);
  if (match === null) throw invalidTime(text);
  const [, year, month, day, hour, minute, second, fraction = "", sign, zoneHour = 0, zoneMinute = 0] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const real = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  const clockFits = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  if (!real || !clockFits || Number(zoneHour) > 24 || Number(zoneMinute) > 60) throw invalidTime(text);
  const offset = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === "-" ? -60 : 60);
  const seconds = date.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  return BigInt(seconds) * NS_PER_SECOND + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

function invalidTime(text: string): AppError {
  return new AppError("invalid", `parsing time ${JSON.stringify(text)}: not an RFC 3339 time`);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
