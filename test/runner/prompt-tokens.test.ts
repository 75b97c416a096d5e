import { expect, test } from "bun:test";
import { PromptTokens } from "../../src/runner/engine/prompt-tokens.ts";

const BOS = 1;

/** A token a character; BOS before a text that wants it, and where it is written as "^". */
function promptTokens() {
  const asked: string[] = [];
  const tokens = new PromptTokens({
    vocabSize: 300,
    addsBos: true,
    bosToken: BOS,
    tokenize(text, { addSpecial }) {
      asked.push(text);
      const ids = Array.from(text, (char) => (char === "^" ? BOS : char.charCodeAt(0)));
      return Int32Array.from(addSpecial ? [BOS, ...ids] : ids);
    },
  });
  return {
    asked,
    of: (prompt: string, addSpecial = true, contextTokens: number[] = []) =>
      tokens.of({ prompt, addSpecial, contextTokens }),
  };
}

test("a text that comes again is not cut into tokens again", () => {
  const { asked, of } = promptTokens();
  expect(of("ab")).toEqual([BOS, 97, 98]);
  expect(of("ab")).toEqual([BOS, 97, 98]);
  expect(asked).toEqual(["ab"]);
});

test("with and without special tokens a text is another one", () => {
  const { asked, of } = promptTokens();
  expect(of("ab", false)).toEqual([97, 98]);
  expect(of("ab", true)).toEqual([BOS, 97, 98]);
  expect(of("ab", true, [7])).toEqual([7, 97, 98]);
  expect(asked).toEqual(["ab", "ab", "ab"]);
});

test("what a request does with its tokens is not remembered", () => {
  const { of } = promptTokens();
  of("^ab").push(5);
  expect(of("^ab")).toEqual([BOS, 97, 98]);
});

test("the texts used last are kept, up to a million characters; a longer one never", () => {
  const { asked, of } = promptTokens();
  const text = (char: string, length: number) => char.repeat(length);
  of(text("a", 400_000));
  of(text("b", 400_000));
  of(text("a", 400_000));
  of(text("c", 400_000));
  of(text("a", 400_000));
  of(text("b", 400_000));
  expect(asked.map((each) => each[0]).join("")).toBe("abcb");
  of(text("d", 1_000_001));
  of(text("d", 1_000_001));
  expect(asked.map((each) => each[0]).join("")).toBe("abcbdd");
});

test("an empty prompt is one token, and ids that the model lacks are refused", () => {
  const { of } = promptTokens();
  expect(of("", false)).toEqual([BOS]);
  expect(() => of("a", true, [300])).toThrow("context holds 300, which is no token of this model");
});
