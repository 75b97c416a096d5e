// Text that may be shown: whatever the split of the bytes, the same text comes out, never half a character, never a stop
// word or its beginning.

import { describe, expect, test } from "bun:test";
import { OutputText, pieceText } from "../../src/runner/engine/output-text.ts";
import { seededRandom } from "../support/seeded-random.ts";

function run(
  pieces: readonly Uint8Array[],
  stops: readonly string[],
): { shown: string[]; stopWord: string | undefined } {
  const text = new OutputText(stops);
  const shown: string[] = [];
  for (const piece of pieces) {
    shown.push(text.push(piece));
    if (text.stopWord !== undefined) return { shown, stopWord: text.stopWord };
  }
  shown.push(text.finish());
  return { shown, stopWord: text.stopWord };
}

function* cuts(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let a = 0; a <= bytes.length; a++) {
    for (let b = a; b <= bytes.length; b++) yield [bytes.slice(0, a), bytes.slice(a, b), bytes.slice(b)];
  }
  yield Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** What a whole text and its stop words must give. */
function expected(text: string, stops: readonly string[]): { text: string; stopWord: string | undefined } {
  const found = stops.map((word) => ({ word, at: text.indexOf(word) })).filter(({ at }) => at >= 0);
  const first = found.sort((x, y) => x.at - y.at)[0];
  return first === undefined ? { text, stopWord: undefined } : { text: text.slice(0, first.at), stopWord: first.word };
}

const texts: [string, string[]][] = [
  ["héllo wörld 😀!", []],
  ["a😀b", ["😀"]],
  ["say END now", ["END"]],
  ["aaab", ["aab"]],
  ["ababac", ["abac"]],
  ["x<|im_end|>y", ["<|im_end|>", "<|eot|>"]],
  ["one two", ["three", "two"]],
  ["ends with EN", ["END"]],
  ["\u{feff}bom", ["z"]],
  ["日本語テキスト", ["語テ"]],
  ["\0\0nul", ["nul"]],
];
test.each(texts)("%j with stop words %j comes out the same at every split", (text, stops) => {
  const want = expected(text, stops);
  for (const pieces of cuts(Buffer.from(text, "utf8"))) {
    const { shown, stopWord } = run(pieces, stops);
    expect([shown.join(""), stopWord]).toEqual([want.text, want.stopWord]);
    // Nothing that was shown had to be taken back, and no character was shown in halves.
    expect(shown.every((part) => !part.includes("\u{fffd}"))).toBe(true);
  }
});

test("the earliest of two stop words ends the text when both come in one piece", () => {
  expect(run([Buffer.from("a STOP b END")], ["END", "STOP"])).toEqual({ shown: ["a "], stopWord: "STOP" });
});

test("a character that the end of the answer cuts off is left out", () => {
  expect(run([Buffer.from([0x61, 0xf0, 0x9f])], []).shown.join("")).toBe("a");
  expect(run([Buffer.from([0x61, 0xf0, 0x9f])], ["zz"]).shown.join("")).toBe("a");
  expect(run([Buffer.from("az"), Buffer.from([0xf0, 0x9f])], ["zz"]).shown.join("")).toBe("az");
});

test("bytes that are no text are replaced the same way, however they are cut", () => {
  const bytes = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0x80, 0x62]);
  const whole = new TextDecoder().decode(bytes);
  for (const pieces of cuts(bytes)) expect(run(pieces, ["none"]).shown.join("")).toBe(whole);
});

test("what could become a stop word is held back until it cannot", () => {
  const text = new OutputText(["</s>"]);
  expect([
    text.push(Buffer.from("a<")),
    text.push(Buffer.from("/")),
    text.push(Buffer.from("b")),
    text.finish(),
  ]).toEqual(["a", "", "</b", ""]);
});

test("random texts over a small alphabet agree with the whole-text answer", () => {
  const random = seededRandom(11);
  const word = (length: number) => Array.from({ length }, () => "abé"[random.below(3)]).join("");
  for (let round = 0; round < 5_000; round++) {
    const text = word(random.below(20));
    const stops = Array.from({ length: random.below(3) }, () => word(1 + random.below(4)));
    const bytes = Buffer.from(text);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const next = at + 1 + random.below(4);
      pieces.push(bytes.subarray(at, next));
      at = next;
    }
    const { shown, stopWord } = run(pieces, stops);
    const want = expected(text, stops);
    // Streaming stops at the first piece that completes a word; a later piece may hold another that begins earlier only
    // if that one overlaps it, so the shown text is never longer than the whole-text answer's longest candidate.
    if (stopWord === undefined) expect(shown.join("")).toBe(want.text);
    else expect(text.startsWith(`${shown.join("")}${stopWord}`)).toBe(true);
    expect(stopWord === undefined).toBe(want.stopWord === undefined);
  }
});

test("an empty stop word is none", () => {
  const output = new OutputText(["", "b"]);
  expect([output.push(Buffer.from("ab")) + output.finish(), output.stopWord]).toEqual(["a", "b"]);
});

describe("the text of a single token", () => {
  test.each([
    [[], ""],
    [[0x68, 0x69], "hi"],
    [[0xf0, 0x9f], "\u{fffd}"],
    [[0x00], "\u{fffd}"],
  ])("%j is %j", (bytes, text) => expect(pieceText(Uint8Array.from(bytes))).toBe(text));
});
