// tool_choice by grammar: whatever the grammar of a family allows is read back by that family as a call of the tool.

import { expect, test } from "bun:test";
import Ajv2020 from "ajv/dist/2020.js";
import type { ToolDefinition } from "../../src/chat/message.ts";
import { familyFor, familyNames } from "../../src/chat/output-parser.ts";
import { toolGrammar } from "../../src/chat/tool-grammar.ts";
import { checkGrammar } from "../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../src/formats/grammar/gbnf-match.ts";

const tool: ToolDefinition = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", enum: ["Paris", "Oslo"] },
        days: { type: "integer", minimum: 1, maximum: 7 },
      },
      required: ["city", "days"],
    },
  },
};

const ALPHABET = Array.from({ length: 95 }, (_, i) => 32 + i).concat([10]);

/** Walks the grammar at random until the text is complete; it ends as soon as it may. */
function sample(grammar: string, seed: number): string {
  const matcher = GrammarMatcher.create(checkGrammar(grammar));
  let state = seed;
  let text = "";
  while (!matcher.canEnd && text.length < 2000) {
    const start = (state = (state * 1103515245 + 12345) % 2147483648) % ALPHABET.length;
    const next = [...ALPHABET.slice(start), ...ALPHABET.slice(0, start), ...extraCodes].find((code) =>
      matcher.clone().advance(code),
    );
    if (next === undefined) throw new Error(`the grammar goes nowhere behind ${JSON.stringify(text)}`);
    matcher.advance(next);
    text += String.fromCodePoint(next);
  }
  return text;
}

/** Characters of DeepSeek's tags. */
const extraCodes = Array.from("｜▁", (char) => char.codePointAt(0) ?? 0);

const families = familyNames.map((name) => familyFor(name)).filter((family) => family?.toolEnvelope !== undefined);

test("most families can be held to a call", () => {
  expect(families.length).toBeGreaterThan(12);
});

test.each(families.map((family) => [family?.name ?? "", family] as const))(
  "%s reads back what its grammar allows",
  (_, family) => {
    if (family?.toolEnvelope === undefined) throw new Error("no envelope");
    const validate = new Ajv2020({ strict: false }).compile(tool.function.parameters ?? {});
    const grammar = toolGrammar(family.toolEnvelope, [tool], false);
    for (let seed = 1; seed <= 20; seed++) {
      const text = sample(grammar, seed);
      const parser = family.create({ tools: [tool], thinking: false });
      const events = [...parser.feed(text), ...parser.finish()];
      const calls = events.flatMap((event) => (event.kind === "tool-call" ? [event.call] : []));
      expect([text, calls.map(({ name }) => name)]).toEqual([text, ["get_weather"]]);
      expect([text, validate(calls[0]?.arguments)]).toEqual([text, true]);
    }
  },
);
