import { expect, test } from "bun:test";
import { readLines } from "../../src/api/ndjson.ts";
import { rejection } from "../support/rejection.ts";

async function* bytes(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
}

async function linesOf(...chunks: readonly (string | Uint8Array)[]): Promise<string[]> {
  return Array.fromAsync(readLines(bytes(...chunks)));
}

test("lines may be split anywhere, even inside a character", async () => {
  const text = new TextEncoder().encode('{"a":"é"}\n{"b":2}\n');
  const whole = ['{"a":"é"}', '{"b":2}'];
  for (let cut = 0; cut <= text.length; cut++) {
    expect(await linesOf(text.subarray(0, cut), text.subarray(cut))).toEqual(whole);
  }
});

test("blank lines and carriage returns are left out, and the last line needs no line break", async () => {
  expect(await linesOf("1\r\n\n\r\n2\n", "3")).toEqual(["1", "2", "3"]);
});

test("a line over the limit is refused before it is kept", async () => {
  let sent = 0;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      sent += 1000;
      yield new Uint8Array(1000).fill(0x61);
    }
  };
  const reading = Array.fromAsync(readLines(endless(), 10_000));
  expect((await rejection(reading)).message).toContain("the server sent a line of more than 10000 bytes");
  expect(sent).toBe(11_000);
});

test("a line of exactly the limit is read", async () => {
  expect(await Array.fromAsync(readLines(bytes("x".repeat(10), "\n"), 10))).toEqual(["x".repeat(10)]);
});
