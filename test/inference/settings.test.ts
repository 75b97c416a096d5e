// Options and formats that need a word before they reach the engine.

import { expect, test } from "bun:test";
import { JSON_GRAMMAR } from "../../src/formats/grammar/json-grammar.ts";
import { grammarFor } from "../../src/inference/answer-grammar.ts";
import type { AskSettings } from "../../src/inference/model.ts";
import { samplingParams } from "../../src/inference/settings.ts";

test.each([0, -1])("a repeat_penalty of %p, which leaves no order among the tokens, is refused", (value) => {
  expect(() => samplingParams({ repeat_penalty: value }, [])).toThrow("repeat_penalty must be greater than 0");
});

test("a repeat_penalty that prefers repetition is taken", () => {
  expect(samplingParams({ repeat_penalty: 0.5 }, []).repeatPenalty).toBe(0.5);
});

test("typical_p 0 is off", () => {
  expect([samplingParams({ typical_p: 0 }, []).typicalP, samplingParams({ typical_p: 0.4 }, []).typicalP]).toEqual([
    1, 0.4,
  ]);
});

test("an empty schema asks for an object, as the word json does", () => {
  const asked: AskSettings = {
    options: {},
    format: { kind: "schema", schema: {} },
    logitBias: [],
    logprobs: undefined,
    truncate: true,
    shift: true,
    keepAliveMs: undefined,
  };
  expect(grammarFor(asked, undefined, false)?.text).toBe(JSON_GRAMMAR);
});
