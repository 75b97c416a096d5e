// Which grammars are let through to the engine, and that printing a parsed grammar gives the same grammar back.

import { describe, expect, test } from "bun:test";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../../src/formats/grammar/gbnf-match.ts";
import { parseGbnf } from "../../../src/formats/grammar/gbnf-parse.ts";
import { printGbnf } from "../../../src/formats/grammar/gbnf-print.ts";
import { JSON_GRAMMAR } from "../../../src/formats/grammar/json-grammar.ts";
import { schemaToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";
import { schemaCases } from "../../support/schema-corpus.ts";

function takes(grammar: string, text: string): boolean {
  const matcher = GrammarMatcher.create(checkGrammar(grammar));
  return matcher.advanceText(text) && matcher.canEnd;
}

describe("the dialect", () => {
  test.each([
    ['root ::= "a" "b" | "c"', "ab", true],
    ['root ::= "a" "b" | "c"', "ac", false],
    ['root ::= ("a" | "b")+ "!"?', "abba!", true],
    ['root ::= "a"{2,3}', "a", false],
    ['root ::= "a"{ 2 , }', "aaaa", true],
    ['root ::= "ab"{2}', "abab", true],
    ['root ::= "a"?{2}', "a", true],
    ["root ::= [a-c]* [^a-c\\n]", "abcx", true],
    ["root ::= [^a-c\\n]", "\n", false],
    ["root ::= [a-]+", "a-", true],
    ['root ::= [\\]\\-\\\\\\["]+', '[]-\\"', true],
    ['root ::= "\\x41\\u20AC\\U0001F600\\t\\r\\n\\\\\\""', 'A€😀\t\r\n\\"', true],
    ["root ::= ..", "é😀", true],
    ['root ::= "é" rest # comment\n\n# more\nrest ::= "x" |\n  "y"\r\n', "éy", true],
    ['root ::= (\n "a" # first\n "b"\n)', "ab", true],
    ['root ::= ""', "", true],
    ['root ::= a-1 A2\na-1 ::= "x"\nA2 ::= "y"', "xy", true],
    ['root ::= "a"* "a"* "a"', "aaa", true],
    ['root ::= (ws "a"?)*\nws ::= [ ]*', " a  a", true],
  ])("%j takes %j: %p", (grammar, text, want) => expect(takes(grammar, text)).toBe(want));

  test("tokens are read and reported", () => {
    const grammar = checkGrammar("root ::= <think> !</think>* <[42]> .");
    expect(grammar.usesTokens).toBe(true);
    expect(grammar.flat.tokens).toEqual(["<think>", "</think>", 42]);
  });
});

describe("what is refused", () => {
  test.each([
    ["", "line 1, column 1: grammar has no rules"],
    ['a ::= "b"', 'it has no "root" rule'],
    ["root ::= b", 'rule "b" is not defined'],
    ['root ::= "a"\nroot ::= "b"', 'line 2, column 1: rule "root" is defined twice'],
    ['root = "a"', 'line 1, column 6: expected "::=" after the rule name'],
    ['root ::= "a" "b', "line 1, column 16: unexpected end of the grammar"],
    ['root ::= "a"\nb ::= ("c"', 'line 2, column 11: expected ")"'],
    ['root ::= "a" )', "line 1, column 14: expected a new line or the end of the grammar"],
    ["root ::= []", "line 1, column 10: a character class is empty"],
    ["root ::= [z-a]", "line 1, column 14: a character range has its end before its start"],
    ['root ::= "\\q"', 'line 1, column 11: unknown escape "\\q"'],
    ['root ::= "\\x4"', 'expected 2 hexadecimal digits after "\\x"'],
    ['root ::= "\\UFFFFFFFF"', "is not a Unicode code point"],
    ['root ::= "\0"', "grammar contains a NUL character"],
    ["root ::= <", "expected a token"],
    ["root ::= *", '"*" has nothing before it to repeat'],
    ['root ::= ""*', "a repetition has nothing before it to repeat"],
    ['root ::= "a"{x}', "expected a number of repetitions"],
    ['root ::= "a"{2001}', "repetition 2001 is over the limit of 2000"],
    ['root ::= "a"{1,1000000000}', "repetition 1000000000 is over the limit of 2000"],
    ['root ::= "a"{5,2}', "repetition {5,2} has its maximum below its minimum"],
    ['root ::= "a"{50}{50}', "a repetition multiplies to 2500 rules, over the limit of 2000"],
    ['root ::= root "a" | "b"', 'rule "root" is left-recursive'],
    ['root ::= a "x"\na ::= b\nb ::= root | "y"', "is left-recursive"],
    ['root ::= e root "x" | "y"\ne ::= f\nf ::= "z"?', 'rule "root" is left-recursive'],
    ['root ::= ("a" | "")*', 'rule "root" is left-recursive'],
    ['root ::= "a" root', 'rule "root" can never be completed'],
    ['root ::= "x" | y\ny ::= "a" y', 'rule "y" can never be completed'],
  ])("%j: %s", (grammar, message) => expect(() => checkGrammar(grammar)).toThrow(message));

  test("grammars that would hang or crash native code end in an error soon", () => {
    const lines = (count: number, line: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => line(i)).join("\n");
    const hostile: Record<string, string> = {
      "nested 100,000 deep": `root ::= ${"(".repeat(100_000)}"a"${")".repeat(100_000)}`,
      "a group that never ends": `root ::= ${"(".repeat(100_000)}`,
      "100,000 quantifiers": `root ::= "a"${"*".repeat(100_000)}`,
      "a long literal, repeated": `root ::= "${"x".repeat(10_000)}"{2000}`,
      "too many rules": `root ::= a0\n${lines(100_000, (i) => `a${i} ::= a${i + 1}`)}\na100000 ::= "x"`,
      "a chain that recurses too deep": `root ::= a0\n${lines(20_000, (i) => `a${i} ::= a${i + 1}`)}\na20000 ::= "x"`,
      "2^60 walks to the left": `root ::= a0\n${lines(60, (i) => `a${i} ::= a${i + 1} "x" | a${i + 1} "y"`)}\na60 ::= "x"`,
      "too long": `root ::= ${"a ".repeat(3_000_000)}`,
    };
    for (const [name, grammar] of Object.entries(hostile)) {
      const start = performance.now();
      expect(() => checkGrammar(grammar), name).toThrow();
      expect(performance.now() - start, name).toBeLessThan(3000);
    }
  });
});

test("printing and parsing again changes nothing", () => {
  const grammars = [
    JSON_GRAMMAR,
    ...schemaCases.filter((_, i) => i % 4 === 0).map(({ schema }) => schemaToGrammar(schema)),
  ];
  grammars.push('root ::= ("a" | [^\\]\\x5E-]) . <[7]> !<think>* (("b" "c")? | "")\n');
  for (const text of grammars) {
    const printed = printGbnf(parseGbnf(text));
    expect(printGbnf(parseGbnf(printed))).toBe(printed);
    expect(checkGrammar(printed).flat.kinds).toEqual(checkGrammar(text).flat.kinds);
  }
});
