// Families known from GGUF templates: what a model's own Jinja template writes must be understood by the family that
// `familyForTemplate` reads off it. Templates come from @huggingface/ollama-utils; turns of others were recorded.

import { describe, expect, test } from "bun:test";
import { familyForTemplate } from "../../../src/chat/template-format.ts";
import { OLLAMA_CHAT_TEMPLATE_MAPPING } from "../../../node_modules/@huggingface/ollama-utils/src/chat-template-automap.ts";
import recorded from "../../fixtures/families/template-turns.json";
import { collect, collectEveryWay } from "./collect.ts";
import { TOOLS, TURNS, type Turn } from "./conversations.ts";
import { jinjaTurn, type JinjaTurn } from "./jinja-turn.ts";

/** By the name that the table gives a model; the family that its template implies. */
const EXPECTED: Readonly<Record<string, string>> = {
  "library/cogito:14b": "hermes",
  "library/cogito:3b": "llama3",
  "library/command-a:111b": "command-r7b",
  "library/command-r7b:7b": "command-r7b",
  "library/deepcoder:14b": "deepseek-r1",
  "library/deepseek-r1:latest": "deepseek-r1",
  "library/deepseek-v3:671b": "deepseek-r1",
  "library/deepseek-v3.1:latest": "deepseek-v3",
  "library/firefunction-v2:70b": "firefunction",
  "library/granite3.3:2b": "granite",
  "library/granite4:latest": "hermes",
  "library/llama3.1:8b": "llama3",
  "library/llama3.2:3b": "llama3",
  "library/llama4:latest": "llama3",
  "library/phi4-mini:3.8b": "phi4",
  "library/phi4-reasoning:14b": "thinking",
  "library/qwen2.5-coder:1.5b": "hermes",
  "library/qwen3-coder:30b": "coder",
  "library/qwen3-next:80b": "hermes",
  "library/qwen3:0.6b": "hermes",
  "library/qwq:32b": "hermes",
};
/** Templates that cannot render calls (clients had to put them into the content), or not with this Jinja library. */
const WITHOUT_CALLS = new Set([
  "library/command-a:111b",
  "library/command-r7b:7b",
  "library/granite3.3:2b",
  "library/phi4-mini:3.8b",
  "library/phi4-reasoning:14b",
  "library/qwen3-coder:30b",
]);
/** Recorded turns that no model would write. */
const SKIP: readonly { template: string; turn: RegExp; reason: string }[] = [
  { template: "NVIDIA-Nemotron-Nano-v2", turn: /text/, reason: "the template ends the turn between text and calls" },
  { template: "R1", turn: /three calls/i, reason: "the template closes the list of calls after the second" },
  { template: "deepseek-r1", turn: /three calls/i, reason: "the template closes the list of calls after the second" },
  { template: "deepseek-v3:", turn: /three calls/i, reason: "the template closes the list of calls after the second" },
  { template: "deepcoder", turn: /three calls/i, reason: "the template closes the list of calls after the second" },
];

function skips(template: string, turn: string): boolean {
  return SKIP.some((each) => template.includes(each.template) && each.turn.test(turn));
}

const cutAlready = new Set<string>();

function check(template: string, turn: Turn, { prompt, text }: JinjaTurn): void {
  const family = familyForTemplate(template);
  if (family === undefined) throw new Error("no family");
  const create = () => family.create({ tools: TOOLS, thinking: turn.thinking !== "", prompt });
  // Many models share a format, and so the very same text.
  const key = JSON.stringify([family.name, turn.name, prompt.slice(-30), text]);
  const got = cutAlready.has(key) ? collect(create(), [text]) : collectEveryWay(create, text);
  cutAlready.add(key);
  expect(got.malformed).toEqual([]);
  expect(got.calls.map((call) => [call.index, call.name, call.arguments])).toEqual(
    turn.calls.map((call, index) => [index, call.name, call.arguments]),
  );
  // Templates that have no place for a thought, or for text beside calls, leave it out.
  const said = text.includes(turn.text) ? turn.text : "";
  const thought = turn.thinking !== "" && text.includes(turn.thinking) ? turn.thinking : "";
  expect(got.text.trim() + got.thinking.trim()).toBe(said + thought);
  if (family.name !== "harmony") expect(got.thinking.trim()).toBe(thought);
}

describe("a call in a template's own words is understood", () => {
  for (const [model, familyName] of Object.entries(EXPECTED)) {
    const template = OLLAMA_CHAT_TEMPLATE_MAPPING.filter((entry) => entry.model === model).at(-1)?.gguf ?? "";
    const turns = WITHOUT_CALLS.has(model) ? [] : TURNS.map((turn) => ({ turn, rendered: jinjaTurn(template, turn) }));
    test(`${model} implies ${familyName}`, () => {
      expect(familyForTemplate(template)?.name).toBe(familyName);
      const count = turns.filter(({ rendered }) => rendered !== undefined).length;
      expect(count >= 3 || WITHOUT_CALLS.has(model)).toBeTrue();
    });
    for (const { turn, rendered } of turns) {
      if (rendered !== undefined && !skips(model, turn.name))
        test(`${model}: ${turn.name}`, () => check(template, turn, rendered));
    }
  }
});

describe("a recorded turn of a template is understood", () => {
  for (const { template, family, tags, turns } of recorded) {
    test(`${template} implies ${family}`, () => expect(familyForTemplate(tags)?.name).toBe(family));
    for (const rendered of turns) {
      if (skips(template, rendered.turn)) continue;
      const turn = TURNS.find(({ name }) => name === rendered.turn);
      test(`${template}: ${rendered.turn}`, () => {
        if (turn === undefined) throw new Error("recorded for a turn that is gone");
        check(tags, turn, rendered);
      });
    }
  }
});

test("a template without calls or thinking implies no family", () => {
  expect(familyForTemplate("{% for m in messages %}{{ m.content }}{% endfor %}")).toBeUndefined();
});
