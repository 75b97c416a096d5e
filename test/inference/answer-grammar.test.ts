// Which grammar a request's format becomes.

import { expect, test } from "bun:test";
import { JSON_GRAMMAR } from "../../src/formats/grammar/json-grammar.ts";
import { grammarFor } from "../../src/inference/answer-grammar.ts";
import type { AskSettings } from "../../src/inference/model.ts";

const grammarOf = (format: AskSettings["format"]) => grammarFor({ ...settings, format }, undefined, false)?.text;
const settings: AskSettings = {
  options: {},
  format: { kind: "free" },
  logitBias: [],
  logprobs: undefined,
  truncate: true,
  shift: true,
  keepAliveMs: undefined,
};

test("a schema that says nothing means an object, as in Ollama; one that says something is kept to", () => {
  expect(grammarOf({ kind: "free" })).toBeUndefined();
  expect(grammarOf({ kind: "schema", schema: {} })).toBe(JSON_GRAMMAR);
  expect(grammarOf({ kind: "schema", schema: { type: "boolean" } })).toContain("true");
});
