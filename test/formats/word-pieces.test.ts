// The ids of a thousand real texts are compared in test/convert/tokens.heavy.test.ts; here is each rule by itself.

import { expect, test } from "bun:test";
import { WordPieces } from "../../src/formats/word-pieces.ts";

const VOCABULARY = [
  "[UNK]",
  "▁un",
  "▁unable",
  "able",
  "a",
  "▁a",
  "▁!",
  "▁日",
  "▁本",
  "▁σ",
  "σ",
  "▁ᄒ",
  "ᅡ",
  "ᆫ",
  "▁É",
  "▁e",
];
const UNKNOWN = 0;
const tokenizer = (lowercase = true, stripAccents = lowercase) =>
  new WordPieces(VOCABULARY, { lowercase, stripAccents, unknown: UNKNOWN });
const pieces = (text: string, of = tokenizer()): string[] => of.encode(text).map((id) => VOCABULARY[id] ?? "?");

test.each<[string, string, string[]]>([
  ["the longest piece wins", "unable", ["▁unable"]],
  ["and what is left goes on from there", "unablea unaable", ["▁unable", "a", "▁un", "a", "able"]],
  ["a word that no pieces spell is one unknown", "unx a", ["[UNK]", "▁a"]],
  [
    "a word is unknown past a hundred characters",
    "a".repeat(100) + " " + "a".repeat(101),
    ["▁a", ...Array<string>(99).fill("a"), "[UNK]"],
  ],
  ["punctuation stands alone", "a!!a", ["▁a", "▁!", "▁!", "▁a"]],
  ["letters become small and lose their accents", "É e\u0301 UN", ["▁e", "▁e", "▁un"]],
  ["ideographs stand alone", "日本a", ["▁日", "▁本", "▁a"]],
  ["a final sigma is a sigma", "ΣΣ", ["▁σ", "σ"]],
  ["Hangul falls apart", "한", ["▁ᄒ", "ᅡ", "ᆫ"]],
  ["marks without a width vanish, controls too", "a\u0300\u0000\u200D\uFFFDa", ["▁a", "a"]],
  ["any white space parts words", "a\u00A0a\u3000a\r\na", ["▁a", "▁a", "▁a", "▁a"]],
  ["nothing is nothing", " \n", []],
])("%s", (_, text, expected) => {
  expect(pieces(text)).toEqual(expected);
  // From memory the second time.
  const of = tokenizer();
  of.encode(text);
  expect(pieces(text, of)).toEqual(expected);
});

test("a cased model keeps letters and accents", () => {
  expect(pieces("É UN", tokenizer(false))).toEqual(["▁É", "[UNK]"]);
  expect(pieces("É", tokenizer(false, true))).toEqual(["[UNK]"]);
});

test("control tokens in a text are text", () => {
  expect(pieces("[UNK]")).not.toEqual(["[UNK]"]);
});
