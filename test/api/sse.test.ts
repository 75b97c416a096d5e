import { expect, test } from "bun:test";
import { EventData } from "../../src/api/sse.ts";

function read(text: string, cuts: readonly number[] = [], limitBytes?: number): string[] {
  const bytes = new TextEncoder().encode(text);
  const events = new EventData(limitBytes);
  const found: string[] = [];
  for (const [at, start] of [0, ...cuts].entries()) found.push(...events.push(bytes.subarray(start, cuts[at])));
  return [...found, ...events.end()];
}

test("an event may be split anywhere, even inside a character", () => {
  const text = 'data: {"a":"é"}\r\n\r\ndata:b\n\n';
  for (let cut = 0; cut <= text.length + 1; cut++) expect(read(text, [cut])).toEqual(['{"a":"é"}', "b"]);
});

test("several lines of data are one event; names, comments and other fields are left out", () => {
  expect(read(": hello\nevent: x\nid: 7\ndata: one\ndata: two\nretry: 9\n\ndatabase: no\n\ndata\n\n")).toEqual([
    "one\ntwo",
    "",
  ]);
});

test("a last event needs no blank line, and no line break", () => {
  expect(read("data: one\n\ndata: two")).toEqual(["one", "two"]);
});

test("an event over the limit is refused, in one line or in many", () => {
  expect(() => read(`data: ${"x".repeat(99)}\n\n`, [], 50)).toThrow("a line of more than 50 bytes");
  expect(() => read("data: 1234567890\n".repeat(9), [], 50)).toThrow("an event of more than 50 bytes");
});
