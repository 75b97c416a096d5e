// The grammar text itself: order, sharing, fragments that others build upon, and sizes that stay small.

import { describe, expect, test } from "bun:test";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../../src/formats/grammar/gbnf-match.ts";
import { printLiteral } from "../../../src/formats/grammar/gbnf-print.ts";
import { schemaToGrammar, schemasToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";

function takes(grammar: string, text: string): boolean {
  const matcher = GrammarMatcher.create(checkGrammar(grammar));
  return matcher.advanceText(text) && matcher.canEnd;
}

test("a small schema reads like a grammar someone would write", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string", maxLength: 5 }, age: { type: "integer", minimum: 0, maximum: 9 } },
    required: ["name"],
  };
  expect(schemaToGrammar(schema).split("\n").slice(0, 3)).toEqual([
    'root ::= "{" ws "\\"name\\":" ws name next',
    'ws ::= (" " | "\\n" [\\t ]{0,32})?',
    'name ::= "\\"" char{0,5} "\\""',
  ]);
});

describe("blanks", () => {
  const grammar = schemaToGrammar({ type: "object", properties: { a: { type: "array" } }, required: ["a"] });

  test.each(['{"a":[]}', '{ "a": [] }', '{"a": [1, 2]}', '{\n  "a": [\n    1\n  ]\n}', '{\n\t"a": []\n}'])(
    "%j is taken",
    (text) => expect(takes(grammar, text)).toBe(true),
  );

  test.each(['{  "a":[]}', '{\n\n"a":[]}', ' {"a":[]}', '{"a":[]} ', '{"a" :[]}', `{\n${" ".repeat(33)}"a":[]}`])(
    "%j is not: a model must not be able to print blanks for ever",
    (text) => expect(takes(grammar, text)).toBe(false),
  );
});

test("properties come in schema order only", () => {
  const grammar = schemaToGrammar({ properties: { b: { type: "null" }, a: { type: "null" } }, type: "object" });
  expect(takes(grammar, '{"b":null,"a":null}')).toBe(true);
  expect(takes(grammar, '{"a":null,"b":null}')).toBe(false);
});

test("strings hold escapes, but no halves of surrogate pairs", () => {
  const grammar = schemaToGrammar({ type: "string", maxLength: 1 });
  for (const text of ['"\\ud83d\\ude00"', '"\\u00e9"', '"\\/"', '"😀"']) expect(takes(grammar, text)).toBe(true);
  for (const text of ['"\\ud83d"', '"\\ude00"', '"\\ud83d\\u0041"', '"\t"', '"\\x41"'])
    expect(takes(grammar, text)).toBe(false);
});

test("lengths beyond the native limit on repetitions are kept exactly", () => {
  const grammar = schemaToGrammar({ type: "string", minLength: 2500, maxLength: 5003 });
  for (const [length, want] of [
    [2499, false],
    [2500, true],
    [2501, true],
    [5003, true],
    [5004, false],
  ] as const) {
    expect(takes(grammar, `"${"x".repeat(length)}"`)).toBe(want);
  }
  const list = schemaToGrammar({ type: "array", items: { type: "integer" }, minItems: 2100 });
  expect(takes(list, `[${"1,".repeat(2099)}1]`)).toBe(true);
  expect(takes(list, `[${"1,".repeat(2098)}1]`)).toBe(false);
});

test("a free property name cannot be one that is declared, in any spelling", () => {
  const grammar = schemaToGrammar({
    type: "object",
    properties: { id: { type: "integer" } },
    additionalProperties: true,
  });
  expect(takes(grammar, '{"id":1,"ide":"x","i":2}')).toBe(true);
  expect(takes(grammar, '{"id":"x"}')).toBe(false);
  expect(takes(grammar, '{"\\u0069d":"x"}')).toBe(false);
});

test("names that objects inherit are ordinary property names", () => {
  const schema: unknown = JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"integer"},"constructor":{"type":"null"}},"required":["__proto__"]}',
  );
  const grammar = schemaToGrammar(schema);
  expect(takes(grammar, '{"__proto__":1,"constructor":null}')).toBe(true);
  expect(takes(grammar, '{"constructor":null}')).toBe(false);
});

test("equal parts share rules: the same format twice costs one set of rules", () => {
  const date = { type: "string", format: "date" };
  const once = schemaToGrammar({ type: "object", properties: { a: date }, required: ["a"] });
  const twice = schemaToGrammar({ type: "object", properties: { a: date, b: date }, required: ["a", "b"] });
  expect(twice.length - once.length).toBeLessThan(100);
});

test("a tuple is written in full, and objects without additionalProperties are closed, as llama.cpp does", () => {
  const tuple = schemaToGrammar({ type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }] });
  expect([takes(tuple, "[1,2]"), takes(tuple, "[1]"), takes(tuple, "[1,2,3]")]).toEqual([true, false, false]);
  const closed = schemaToGrammar({ type: "object", properties: { a: { type: "integer" } } });
  expect([takes(closed, "{}"), takes(closed, '{"b":1}')]).toEqual([true, false]);
});

describe("fragments", () => {
  const add = { type: "object", properties: { x: { type: "integer" }, tree: { $ref: "#" } }, required: ["x"] };
  const say = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };

  test("several schemas make one text that a hand-written root can use", () => {
    const rules = schemasToGrammar(
      new Map<string, unknown>([
        ["args-0", add],
        ["args-1", say],
      ]),
    );
    const call = (name: string, args: string) =>
      `${printLiteral(`<tool_call>{"name": "${name}", "arguments": `)} ${args} "}</tool_call>"`;
    const grammar = `root ::= ${call("add", "args-0")} | ${call("say", "args-1")}\n${rules}`;
    expect(takes(grammar, '<tool_call>{"name": "add", "arguments": {"x": 1, "tree": {"x": 2}}}</tool_call>')).toBe(
      true,
    );
    expect(takes(grammar, '<tool_call>{"name": "say", "arguments": {"text": "hi"}}</tool_call>')).toBe(true);
    expect(takes(grammar, '<tool_call>{"name": "say", "arguments": {"x": 1}}</tool_call>')).toBe(false);
    expect(rules.match(/^json-ws ::=/gm)).toHaveLength(1);
  });

  test("rules of a schema with its own root name cannot meet those of another", () => {
    const grammar = `root ::= a "," b\n${schemaToGrammar(add, { root: "a" })}${schemaToGrammar(say, { root: "b" })}`;
    expect(takes(grammar, '{"x":1},{"text":""}')).toBe(true);
  });

  test("a root name that is no rule name is refused", () => {
    expect(() => schemaToGrammar({}, { root: "a b" })).toThrow('"a b" is not a rule name');
  });
});
