// The matcher at work on tokens: bytes, halves of characters, vocabulary tokens, copies, ambiguity and long texts.

import { expect, test } from "bun:test";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher, type MatcherOptions } from "../../../src/formats/grammar/gbnf-match.ts";
import { JSON_GRAMMAR } from "../../../src/formats/grammar/json-grammar.ts";
import { schemaToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";

const encoder = new TextEncoder();

function matcherOf(grammar: string, options?: MatcherOptions): GrammarMatcher {
  return GrammarMatcher.create(checkGrammar(grammar), options);
}

function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

test("a refused character or token leaves the matcher where it was", () => {
  const matcher = matcherOf('root ::= "abc"');
  expect(matcher.advance(0x61)).toBe(true);
  expect(matcher.advance(0x78)).toBe(false);
  expect(matcher.accept(bytes("bx"))).toBe(false);
  expect(matcher.advanceText("bx")).toBe(false);
  expect(matcher.accept(bytes("bc"))).toBe(true);
  expect(matcher.canEnd).toBe(true);
  expect(matcher.mustEnd).toBe(true);
});

test("asking about a token does not move", () => {
  const matcher = matcherOf('root ::= "ab" "c"?');
  expect(matcher.allows(bytes("ab"))).toBe(true);
  expect(matcher.allows(bytes("abc"))).toBe(true);
  expect(matcher.allows(bytes("abcd"))).toBe(false);
  expect(matcher.accept(bytes("ab"))).toBe(true);
  expect([matcher.canEnd, matcher.mustEnd]).toEqual([true, false]);
});

test("tokens without text are refused, as llama.cpp refuses them", () => {
  const matcher = matcherOf("root ::= .*");
  expect(matcher.allows(new Uint8Array())).toBe(false);
  expect(matcher.allows(Uint8Array.of(0, 0x61))).toBe(false);
});

test("copies move on their own", () => {
  const matcher = matcherOf('root ::= "a" ("b" | "c")');
  matcher.advanceText("a");
  const copy = matcher.clone();
  expect(copy.advanceText("b")).toBe(true);
  expect(copy.canEnd).toBe(true);
  expect(matcher.canEnd).toBe(false);
  expect(matcher.advanceText("c")).toBe(true);
});

test("a character may come in pieces, if some way to end it is allowed", () => {
  const matcher = matcherOf("root ::= [à-ÿ] [\\U0001F600-\\U0001F64F]");
  const [first, second] = [bytes("é"), bytes("😀")];
  expect(matcher.allows(Uint8Array.of(0xe2))).toBe(false);
  expect(matcher.accept(first.slice(0, 1))).toBe(true);
  expect(matcher.canEnd).toBe(false);
  expect(matcher.advance(0x61)).toBe(false);
  expect(matcher.allows(Uint8Array.of(0xc3))).toBe(false);
  expect(matcher.accept(Uint8Array.of(first[1] ?? 0, second[0] ?? 0, second[1] ?? 0))).toBe(true);
  expect(matcher.allows(Uint8Array.of(0x90))).toBe(false);
  expect(matcher.accept(second.slice(2))).toBe(true);
  expect(matcher.canEnd).toBe(true);
});

test("bytes that are not UTF-8 are refused", () => {
  const matcher = matcherOf("root ::= .*");
  for (const broken of [[0x80], [0xff], [0xc3, 0x41], [0xf8, 0x80]]) {
    expect(matcher.allows(Uint8Array.from(broken))).toBe(false);
  }
});

test("a token named by the grammar matches by id, others by their text", () => {
  const matcher = matcherOf("root ::= <think> !</think>* </think> [a-z]+", {
    tokenId: (text) => ({ "<think>": 1, "</think>": 2 })[text],
  });
  expect(matcher.allows(bytes("<think>"))).toBe(false);
  expect(matcher.allows(bytes("x"), 9)).toBe(false);
  expect(matcher.accept(bytes("<think>"), 1)).toBe(true);
  expect(matcher.accept(bytes("any text"), 9)).toBe(true);
  expect(matcher.canEnd).toBe(false);
  expect(matcher.accept(bytes("</think>"), 2)).toBe(true);
  expect(matcher.allows(bytes("</think>"), 2)).toBe(false);
  expect(matcher.accept(bytes("ok"), 9)).toBe(true);
  expect(matcher.canEnd).toBe(true);
});

test("a token may continue both by its id and by its text", () => {
  const matcher = matcherOf('root ::= <[5]> "!" | "ab"');
  expect(matcher.accept(bytes("a"), 5)).toBe(true);
  expect(matcher.clone().advanceText("!")).toBe(true);
  expect(matcher.clone().advanceText("b")).toBe(true);
});

test("a token name that is not one token of the model is an error", () => {
  expect(() => matcherOf("root ::= <nope>", { tokenId: () => undefined })).toThrow('"<nope>" is not one token');
});

test("ambiguity without bound is an error, not a hang", () => {
  const matcher = matcherOf('root ::= s\ns ::= "a" s "b" | "a" s "c" | "a"');
  expect(() => matcher.advanceText("a".repeat(40))).toThrow("too ambiguous");
});

test("ambiguity that stays small is fine", () => {
  const matcher = matcherOf('root ::= (("a"*)"a"*)*');
  expect(matcher.advanceText("a".repeat(10_000))).toBe(true);
  expect(matcher.canEnd).toBe(true);
});

test("texts that fill the tables several times over are still followed", () => {
  const matcher = matcherOf('root ::= list\nlist ::= "[" list* "]"');
  for (let round = 0; round < 2; round++) {
    const copy = matcher.clone();
    expect(copy.advanceText("[".repeat(30_000) + "]".repeat(29_999))).toBe(true);
    expect(copy.canEnd).toBe(false);
    expect(copy.advanceText("]")).toBe(true);
    expect(copy.mustEnd).toBe(true);
  }
});

test("JSON mode takes objects only, with bounded blanks, and ends with the object", () => {
  const takes = (text: string): boolean => {
    const matcher = matcherOf(JSON_GRAMMAR);
    return matcher.advanceText(text) && matcher.canEnd;
  };
  const value = { a: [1, -2.5e10, { b: null, "é\n": '\u0001\\"😀' }, []], c: {}, d: [true, false] };
  expect(takes(JSON.stringify(value))).toBe(true);
  expect(takes(JSON.stringify(value, null, 2))).toBe(true);
  for (const text of [
    "[]",
    "1",
    "{} ",
    " {}",
    '{"a":1,}',
    '{"a":01}',
    `{${"\n".repeat(3)}}`,
    '{"a":"\n"}',
    "{'a':1}",
  ]) {
    expect(takes(text)).toBe(false);
  }
});

test("a warm matcher reads a character in far less than a decode step", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
    required: ["name"],
  };
  const start = matcherOf(schemaToGrammar(schema));
  const codes = Array.from(
    JSON.stringify({ name: "x".repeat(200), tags: ["a", "b"] }),
    (char) => char.codePointAt(0) ?? 0,
  );
  const pass = (): boolean => {
    const matcher = start.clone();
    return codes.every((code) => matcher.advance(code)) && matcher.canEnd;
  };
  expect(pass()).toBe(true);
  const before = performance.now();
  for (let i = 0; i < 200; i++) expect(pass()).toBe(true);
  // Measured 30 ns a character; 5 µs leaves room for the busiest machine and still fails if nothing is remembered.
  expect(((performance.now() - before) * 1e3) / (200 * codes.length)).toBeLessThan(5);
});
