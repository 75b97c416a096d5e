// How long ago or ahead an instant lies, in words: "4 minutes from now", "About an hour ago" (Ollama: format/time.go).

import { nowNs, zeroTimeNs } from "./rfc3339.ts";

const HOURS_PER_YEAR = 24 * 365;

/** `zeroText` is what Go's zero time reads as, usually "Never". */
export function humanTime(timeNs: bigint, zeroText: string, now: bigint = nowNs()): string {
  if (timeNs === zeroTimeNs) return zeroText;
  const elapsed = now - timeNs;
  if (-elapsed >= hoursToNs(21 * HOURS_PER_YEAR)) return "Forever";
  return elapsed < 0n ? `${humanDuration(-elapsed)} from now` : `${humanDuration(elapsed)} ago`;
}

/** Seconds and minutes are cut, hours rounded, so 90 minutes read as "2 hours"; the larger units cut those hours. */
export function humanDuration(durationNs: bigint): string {
  const seconds = Number(durationNs / 1_000_000_000n);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const exactHours = Number(durationNs) / 3.6e12;
  const hours = Math.round(exactHours);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(days / 30)} months`;
  return `${Math.trunc(exactHours / HOURS_PER_YEAR)} years`;
}

function hoursToNs(hours: number): bigint {
  return BigInt(hours) * 3_600_000_000_000n;
}
