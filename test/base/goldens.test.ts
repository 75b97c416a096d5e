// Durations, instants, sizes and quoting against what Go and Ollama's format package print (test/fixtures/base).

import { describe, expect, test } from "bun:test";
import { humanBinaryBytes, humanBytes, parseBytes } from "../../src/base/bytes.ts";
import { formatDuration, parseDuration } from "../../src/base/duration.ts";
import { AppError } from "../../src/base/errors.ts";
import { goQuote } from "../../src/base/go-text.ts";
import { humanNumber } from "../../src/base/human-number.ts";
import { humanTime } from "../../src/base/human-time.ts";
import { formatLocal, formatUtc, parseRfc3339, zeroTimeNs } from "../../src/base/rfc3339.ts";
import recorded from "../fixtures/base/goldens.json";

interface Row {
  in: string;
  out?: string;
  error?: string;
}

const goldens: Record<string, Row[]> = recorded;

function rows(group: string): Row[] {
  const found = goldens[group];
  if (found === undefined) throw new Error(`no goldens named ${group}`);
  return found;
}

function answer(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid") return error.message;
    throw error;
  }
}

describe("durations", () => {
  test.each(rows("parseDuration"))("$in parses as Go parses it", (row) => {
    expect(answer(() => String(parseDuration(row.in)))).toBe(row.out ?? row.error ?? "");
  });
  test.each(rows("formatDuration"))("$in ns print as Go prints them", (row) => {
    expect(formatDuration(BigInt(row.in))).toBe(row.out ?? "");
  });
});

describe("sizes and counts", () => {
  test.each(rows("humanBytes"))("$in bytes", (row) => expect(humanBytes(BigInt(row.in))).toBe(row.out ?? ""));
  test.each(rows("humanBinaryBytes"))("$in bytes in 1024s", (row) => {
    expect(humanBinaryBytes(BigInt(row.in))).toBe(row.out ?? "");
  });
  test.each(rows("humanNumber"))("$in parameters", (row) => expect(humanNumber(BigInt(row.in))).toBe(row.out ?? ""));

  test("sizes are read back in decimal and binary units", () => {
    expect(["4.7 GB", "98MB", "512 MiB", "1024", "2k", "10 b"].map(parseBytes)).toEqual([
      4_700_000_000, 98_000_000, 536_870_912, 1024, 2000, 10,
    ]);
  });
  test.each(["", "GB", "-1 GB", "1.2.3 GB", "1 PB", "9999999 TB", "0x10", "1e3"])("%p is no size", (text) => {
    expect(() => parseBytes(text)).toThrow(new AppError("invalid", `invalid size ${JSON.stringify(text)}`));
  });
});

describe("instants", () => {
  const now = parseRfc3339("2026-08-21T12:00:00Z");

  test.each(rows("ago"))("$in ns ago", (row) => {
    expect(humanTime(now - BigInt(row.in) - 1000n, "Never", now)).toBe(row.out ?? "");
  });
  test.each(rows("ahead"))("$in ns ahead", (row) => {
    expect(humanTime(now + BigInt(row.in) - 1000n, "Never", now)).toBe(row.out ?? "");
  });
  test("Go's zero time reads as the given word", () => {
    expect(humanTime(zeroTimeNs, "Never", now)).toBe("Never");
    expect(parseRfc3339("0001-01-01T00:00:00Z")).toBe(zeroTimeNs);
  });

  test.each(rows("parseTime"))("$in is read as Go reads it", (row) => {
    if (row.error !== undefined) expect(() => parseRfc3339(row.in)).toThrow(AppError);
    else expect(formatUtc(parseRfc3339(row.in))).toBe(row.out ?? "");
  });
  test.each(rows("local"))("$in prints with its offset", (row) => {
    const [text = "", minutes] = row.in.split(/ (?=-?\d+$)/);
    expect(formatLocal(parseRfc3339(text), Number(minutes))).toBe(row.out ?? "");
  });
  test("years that RFC 3339 cannot say are refused", () => {
    expect(() => formatUtc(253_402_300_800n * 1_000_000_000n)).toThrow("year outside of range [0,9999]");
    expect(() => formatUtc(-(10n ** 25n))).toThrow("year outside of range [0,9999]");
  });
});

test.each(rows("quote"))("$in is quoted as %q quotes it", (row) => expect(goQuote(row.in)).toBe(row.out ?? ""));
