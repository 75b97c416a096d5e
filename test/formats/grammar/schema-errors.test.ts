// What a schema can get wrong: keywords that cannot be kept are named with their place, and hostile schemas end soon.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { schemaToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";

function refusal(schema: unknown): string {
  try {
    schemaToGrammar(schema);
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid") return error.message;
    throw error;
  }
  return "accepted";
}

const AT = "invalid JSON schema at #";

describe("keywords that cannot be kept", () => {
  test.each([
    [{ type: "array", contains: { type: "integer" } }, `${AT}: "contains" is not supported`],
    [
      { type: "object", properties: { "a/b": { unevaluatedItems: false } } },
      `${AT}/properties/a~1b: "unevaluatedItems" is not supported`,
    ],
    [{ $dynamicRef: "#node" }, `${AT}: "$dynamicRef" is not supported`],
    [
      { type: "array", items: { type: "string" }, uniqueItems: true },
      `${AT}: "uniqueItems" is supported only for items with at most 8 possible values`,
    ],
    [
      { unevaluatedProperties: { type: "string" } },
      `${AT}: "unevaluatedProperties" is supported only as true or false`,
    ],
    [{ type: "object", minProperties: 2 }, `${AT}: "minProperties" over 1 cannot be kept with free property names`],
    [{ type: "string", format: "phone" }, `${AT}: "format" "phone" is not supported`],
    [{ type: "string", pattern: "\\bx" }, `${AT}: "pattern" uses a word boundary (\\b), which is not supported`],
    [{ type: "array", items: { type: "string", pattern: "(" } }, `${AT}/items: "pattern" has no ")" for a group`],
    [{ not: { items: { type: "string" } } }, `${AT}/not: "items" is not supported inside "not" or "if"`],
    [{ not: { const: { a: 1 } }, type: "object" }, `${AT}: "not" of an object or array value is not supported`],
    [{ type: "number", not: { const: 1 } }, `${AT}: "not" of a number is supported only for integers`],
    [
      { oneOf: [{ type: "string" }, { maxLength: 3 }] },
      `${AT}: "oneOf" branches 0 and 1 can both match one value; use "anyOf" or make them exclude each other`,
    ],
    [
      { $ref: "https://example.com/s.json" },
      `${AT}: "$ref" to "https://example.com/s.json" leaves the document, which is not supported`,
    ],
    [{ $ref: "#node" }, `${AT}: "$ref" to the anchor "#node" is not supported`],
    [{ $ref: "#/$defs/nope" }, `${AT}: "$ref" to "#/$defs/nope" leads nowhere`],
    [{ $ref: "#/constructor" }, `${AT}: "$ref" to "#/constructor" leads nowhere`],
    [{ type: "string", maxLength: 1e9 }, `${AT}: "maxLength" is over the limit of 1000000`],
    [{ type: "array", maxItems: 1e9 }, `${AT}: "maxItems" is over the limit of 1000000`],
    [{ type: "integer", multipleOf: 1e12 }, `${AT}: "multipleOf" is too large a divisor for a grammar`],
  ])("%j", (schema, message) => expect(refusal(schema)).toBe(message));
});

describe("keywords with wrong values", () => {
  test.each([
    [null, `${AT}: a schema must be an object or a boolean`],
    [[], `${AT}: a schema must be an object or a boolean`],
    [{ type: "text" }, `${AT}: "type" has the unknown type "\\"text\\""`],
    [{ type: ["string", 3] }, `${AT}: "type" has the unknown type "3"`],
    [{ enum: "a" }, `${AT}: "enum" must be an array`],
    [{ minLength: "3" }, `${AT}: "minLength" must be a number`],
    [{ maxItems: -1 }, `${AT}: "maxItems" must be a non-negative integer`],
    [{ maxItems: 1.5 }, `${AT}: "maxItems" must be a non-negative integer`],
    [{ minimum: "0" }, `${AT}: "minimum" must be a number`],
    [{ multipleOf: 0 }, `${AT}: "multipleOf" must be greater than 0`],
    [{ pattern: 3 }, `${AT}: "pattern" must be a string`],
    [{ properties: [] }, `${AT}: "properties" must be an object`],
    [{ properties: { a: 1 } }, `${AT}/properties/a: a schema must be an object or a boolean`],
    [{ required: ["a", 1] }, `${AT}: "required" must be an array of strings`],
    [{ anyOf: [] }, `${AT}: "anyOf" must be an array with at least one schema`],
    [{ allOf: [{ oneOf: {} }] }, `${AT}/allOf/0: "oneOf" must be an array with at least one schema`],
    [{ $ref: 3 }, `${AT}: "$ref" must be a string`],
  ])("%j", (schema, message) => expect(refusal(schema)).toBe(message));
});

test.each([
  [false],
  [{ enum: [] }],
  [{ type: "string", enum: [1] }],
  [{ type: "integer", minimum: 3, maximum: 2 }],
  [{ type: "integer", minimum: 1.2, maximum: 1.8 }],
  [{ type: "string", minLength: 3, maxLength: 2 }],
  [{ type: "string", pattern: "^a$", minLength: 2 }],
  [{ type: "array", minItems: 2, maxItems: 1 }],
  [{ type: "array", minItems: 1, items: false }],
  [{ allOf: [{ type: "string" }, { type: "integer" }] }],
  [{ type: "object", properties: { a: false }, required: ["a"] }],
  [{ type: "object", required: ["a"], additionalProperties: false }],
  [{ type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }],
])("a schema that nothing can satisfy is refused: %j", (schema) => {
  expect(refusal(schema)).toBe("invalid JSON schema: no value can satisfy it");
});

test.each([
  [{ $ref: "#" }],
  [{ anyOf: [{ $ref: "#" }, { type: "string" }] }],
  [{ $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }],
  [{ enum: [[1]], items: { $ref: "#/$defs/a" }, $defs: { a: { allOf: [{ $ref: "#/$defs/a" }] } } }],
])("a reference that only leads back to itself is refused: %j", (schema) => {
  expect(refusal(schema)).toContain("it refers to itself without anything in between");
});

describe("hostile schemas are answered soon", () => {
  const nest = (wrap: (inner: unknown) => unknown, depth = 100_000): unknown => {
    let schema: unknown = { type: "string" };
    for (let i = 0; i < depth; i++) schema = wrap(schema);
    return schema;
  };
  const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const text = (pattern: string) => ({ type: "string", pattern });
  test.each<[string, () => unknown]>([
    ["properties 100,000 deep", () => nest((a) => ({ properties: { a } }))],
    ["items 100,000 deep", () => nest((items) => ({ items }))],
    ["anyOf 100,000 deep", () => nest((inner) => ({ anyOf: [inner] }))],
    ["not 100,000 deep", () => nest((not) => ({ not }))],
    ["if 100,000 deep", () => nest((inner) => ({ if: inner, else: true }))],
    ["a constant 100,000 deep", () => ({ const: nest((inner) => [inner]) })],
    ["a million enum values", () => ({ enum: many(1e6, (i) => `v${i}`) })],
    ["a megabyte in one enum value", () => ({ enum: ["x".repeat(1e6)] })],
    [
      "an object of 100,000 members as a constant",
      () => ({ const: Object.fromEntries(many(1e5, (i) => [`k${i}`, i])) }),
    ],
    ["5,000 properties", () => ({ properties: Object.fromEntries(many(5000, (i) => [`p${i}`, { type: "integer" }])) })],
    ["a property name of a megabyte", () => ({ properties: { ["x".repeat(1e6)]: {} }, additionalProperties: true })],
    ["an exponential automaton", () => text("^(a|b)*a(a|b){25}$")],
    ["a billion repetitions", () => text("a{1000000000}")],
    ["nested repetitions", () => text("((a{100}){100}){100}")],
    ["nested repetitions of nothing", () => text("(((){4000}){4000}){4000}")],
    ["3,000 optional characters", () => text(`^${"(a?b?c?)".repeat(1000)}$`)],
    ["3,000 alternatives", () => text(many(3000, (i) => String.fromCodePoint(0x4e00 + i)).join("|"))],
    [
      "a hundred look-aheads",
      () => text(`^${many(100, (i) => `(?=.*${String.fromCodePoint(0x4e00 + i)})`).join("")}.*$`),
    ],
    ["deep groups", () => text("(".repeat(4000) + ")".repeat(4000))],
    ["a pattern with a huge limit", () => ({ ...text("a"), maxLength: 1e6 })],
    [
      "alternatives that multiply",
      () => ({ allOf: many(20, (i) => ({ anyOf: [{ required: [`a${i}`] }, { required: [`b${i}`] }] })) }),
    ],
    [
      "dependencies that multiply",
      () => ({ dependentRequired: Object.fromEntries(many(30, (i) => [`a${i}`, [`b${i}`]])) }),
    ],
    ["300 patterns in oneOf", () => ({ oneOf: many(300, (i) => text(`^k${i}x.{1,30}$`)) })],
    ["100,000 required names", () => ({ type: "object", required: many(1e5, (i) => `r${i}`) })],
    ["counting to 10,000 properties", () => ({ type: "object", maxProperties: 1e4 })],
    [
      "patterns that split names in many ways",
      () => ({ patternProperties: { "^[a-z]{1,50}$": {}, "x.{20}$": {}, "(ab)+": {}, "\\d": {} } }),
    ],
  ])("%s", (_, make) => {
    const schema = make();
    const start = performance.now();
    expect(refusal(schema)).toStartWith("invalid JSON schema");
    // All take under a second on an idle core; the rest is room for a busy one.
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
