import { expect, test } from "bun:test";
import { startsTripleQuoted, TripleQuoted } from "../../../src/cli/repl/triple-quoted.ts";

test.each([
  [['"""one line"""'], "one line"],
  [['"""a', 'b"""'], "a\nb"],
  [['"""', "a", "", 'b"""'], "\na\n\nb"],
  [['"""', '"""'], "\n"],
  [['""""""'], ""],
  [['"""a "quoted" word', '"""'], 'a "quoted" word\n'],
  [['"""pasted\nlines"""'], "pasted\nlines"],
])("%j reads as %j", (lines, text) => {
  const reader = new TripleQuoted();
  const answers = lines.map((line) => reader.push(line));
  expect(answers.slice(0, -1).every((answer) => answer === undefined)).toBe(true);
  expect(answers.at(-1)).toBe(text);
});

test("only three quotes at the start begin one", () => {
  expect(['"""', '"""a', '""', ' """', "a"].map(startsTripleQuoted)).toEqual([true, true, false, false, false]);
});
