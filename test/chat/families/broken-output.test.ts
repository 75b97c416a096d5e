// Broken and hostile output: parsers never throw, never lose what the model wrote, and do not care how it was cut.

import { describe, expect, test } from "bun:test";
import type { OutputFamily, OutputOptions } from "../../../src/chat/output-family.ts";
import { collect, collectEveryWay, type Collected } from "./collect.ts";
import { TOOLS, TURNS } from "./conversations.ts";
import { envelopeText } from "./envelope-text.ts";
import { glimmer } from "../../../src/chat/families/glimmer.ts";
import { harmony } from "../../../src/chat/families/harmony.ts";
import { EVERY_FAMILY } from "./every-family.ts";
import { GLM_ENVELOPE } from "../../../src/chat/families/glm.ts";

/** Tags and headers that belong to the formats; everything else must come out again. */
const TAGS = [
  ..."<think> </think> [THINK] [/THINK] <tool_call> </tool_call> <function_calls> </function_calls> <tool_calls> </tool_calls>".split(
    " ",
  ),
  ..."<start_function_call> <end_function_call> <|tool_call> <tool_call|> <|tool_response> <|channel> <channel|> thought".split(
    " ",
  ),
  ..."<|tool_call_start|> <|tool_call_end|> <|START_ACTION|> <|END_ACTION|> <|START_TEXT|> <|END_TEXT|> <|START_RESPONSE|>".split(
    " ",
  ),
  ..."<|END_RESPONSE|> <|START_THINKING|> <|END_THINKING|> <|END_OF_TURN_TOKEN|> [TOOL_CALLS] [ARGS] <|python_tag|>".split(
    " ",
  ),
  ..."<｜tool▁calls▁begin｜> <｜tool▁calls▁end｜> <｜tool▁call▁begin｜> <｜tool▁call▁end｜> <｜tool▁output▁begin｜>".split(
    " ",
  ),
  ..."<｜tool▁output▁end｜> <｜tool▁outputs▁begin｜> <｜tool▁outputs▁end｜> <|tool_calls_section_begin|> <|python_start|>".split(
    " ",
  ),
  ..."<|tool_calls_section_end|> <|tool_call_begin|> <|tool_call_end|> <|tool_call|> <|/tool_call|> <|eom|> <|eot|>".split(
    " ",
  ),
  ..."<minimax:tool_call> </minimax:tool_call> <seed:tool_call> </seed:tool_call> <|tools_prefix|> <|tools_suffix|>".split(
    " ",
  ),
  ..."<TOOLCALL> </TOOLCALL> <|end|> <|call|> <|return|> >>>all >>> <user> </user> <|tool_calls|> <|calls|> <|content|>".split(
    " ",
  ),
  ..."<|tool_call:begin|> <|tool_call:end|> <function= </function> functools <｜DSML｜function_calls> </｜DSML｜function_calls>".split(
    " ",
  ),
  ..."<｜DSML｜tool_calls> </｜DSML｜tool_calls> <|python_end|> <|eom_id|> <|eot_id|> <tool_call <|start|> all Action:".split(
    " ",
  ),
];
const HEADERS =
  /<\|start\|>assistant[^<]{0,40}(?:<\|channel\|>[^<]{0,40})?(?:<\|constrain\|>[^<]{0,20})?<\|message\|>/g;
const LEADING_HEADER = /^(?: to=[^<]{0,40})?(?:<\|channel\|>[^<]{0,40})?(?:<\|constrain\|>[^<]{0,20})?<\|message\|>/;

/** What is left of a text once tags and whitespace are taken away. */
function substance(text: string): string {
  let rest = text.replace(LEADING_HEADER, "").replace(HEADERS, "");
  for (;;) {
    let next = rest.replace(/\s+/g, "");
    for (const tag of TAGS) next = next.replaceAll(tag, "");
    if (next === rest) return rest;
    rest = next;
  }
}

/** Same letters in any order: text and thinking come apart, and a malformed call comes after the text before it. */
function sameSubstance(got: Collected, given: string): void {
  const sorted = (text: string): string => substance(text).split("").sort().join("");
  expect(sorted(got.text + got.thinking + got.malformed.join(""))).toBe(sorted(given));
}

/** A generator with a fixed seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const OPTIONS: OutputOptions = { tools: TOOLS, thinking: true };
const withTools = EVERY_FAMILY.filter((family) => family.toolEnvelope !== undefined);

/** A text that begins as the family's answers do when nothing was thought. */
function optionsFor(family: OutputFamily): OutputOptions {
  return family.supportsThinking ? { tools: TOOLS, thinking: false } : OPTIONS;
}

/** Families that begin inside the thinking block whatever is asked need it closed first. */
function opened(family: OutputFamily, text: string): string {
  return family.name === "qwen3-vl-thinking" ? `</think>${text}` : text;
}

describe("calls written as the envelope says are read back", () => {
  for (const family of withTools) {
    const envelope = family.toolEnvelope;
    if (envelope === undefined) continue;
    for (const turn of TURNS.filter(({ text, thinking }) => text === "" && thinking === "")) {
      test(`${family.name}: ${turn.name}`, () => {
        const text = opened(family, envelopeText(envelope, turn.calls));
        const got = collectEveryWay(() => family.create(optionsFor(family)), text);
        expect(got.calls.map(({ name, arguments: args }) => ({ name, arguments: args }))).toEqual([...turn.calls]);
        expect({ text: got.text.trim(), thinking: got.thinking, malformed: got.malformed }).toEqual({
          text: "",
          thinking: "",
          malformed: [],
        });
      });
    }
  }
});

describe("a call cut off anywhere is a call or text, and never lost", () => {
  for (const family of withTools) {
    test(family.name, () => {
      const envelope = family.toolEnvelope;
      if (envelope === undefined) throw new Error("has one");
      const calls = TURNS.find(({ name }) => name === "awkward values")?.calls ?? [];
      // Where an answer begins in a header, text before it would be part of that.
      const before = [harmony, glimmer].includes(family) ? "" : "Before. ";
      const text = opened(family, before + envelopeText(envelope, calls));
      for (let length = 1; length <= text.length; length++) {
        const cut = text.slice(0, length);
        const got = collect(family.create(optionsFor(family)), [cut]);
        // GLM's pairs are whole or nothing, but a cut between two of them cannot be told from the end (as in Ollama).
        const subset = envelope === GLM_ENVELOPE;
        if (got.calls.length > 0 && subset) expect(calls[0]?.arguments).toMatchObject(got.calls[0]?.arguments ?? {});
        else if (got.calls.length > 0) expect(got.calls[0]?.arguments).toEqual(calls[0]?.arguments ?? {});
        else sameSubstance(got, cut);
      }
    });
  }
});

describe("a call that is no JSON or has no name comes back as flagged text", () => {
  for (const family of withTools) {
    const envelope = family.toolEnvelope;
    if (envelope?.arguments.as !== "json" || envelope.begin === "") continue;
    test(family.name, () => {
      const text = envelopeText(envelope, [{ name: "get_weather", arguments: { city: "Paris" } }]).replace(
        '"Paris"',
        "Paris",
      );
      const got = collectEveryWay(() => family.create(optionsFor(family)), opened(family, text));
      expect(got.calls).toEqual([]);
      expect(got.malformed).not.toEqual([]);
      sameSubstance(got, opened(family, text));
    });
  }
});

describe("garbage full of tags", () => {
  // These swallow whole blocks by Ollama's design, or have headers in which text is structure.
  const swallowed = /outputs?▁|<\|message\|>|<\|channel\|>|thought|<\|start\|>|Action:|all|>>>/;
  const pieces = [
    ...TAGS.filter((tag) => !swallowed.test(tag)),
    "get_weather",
    '{"name"',
    "{",
    "}",
    '"',
    "a b",
    " ",
    "\n",
    "é",
    "🎉",
    "<",
    "]",
    ",",
  ];
  // gemma4-no-thinking drops what a model thinks unasked, as Ollama does.
  for (const family of EVERY_FAMILY.filter(({ name }) => name !== "gemma4-no-thinking")) {
    test(`${family.name} loses nothing of it`, () => {
      const next = random(family.name.length * 7919 + (family.name.codePointAt(0) ?? 0));
      for (let round = 0; round < 15; round++) {
        const text = Array.from({ length: 1 + next(14) }, () => pieces[next(pieces.length)] ?? "").join("");
        const got = collectEveryWay(() => family.create(OPTIONS), text);
        if (got.calls.length === 0) sameSubstance(got, text);
      }
    });
  }
});

test("long hostile output is read in little time", () => {
  const hostile = [
    "<tool_call>",
    '{"a":',
    "<",
    " ",
    "[",
    "<function=",
    "<arg_key>",
    "('",
    "<|channel>",
    "}",
    "<|message|>",
    "<think>",
  ];
  for (const piece of hostile) {
    const chunks = piece.repeat(Math.ceil(6_000 / piece.length)).match(/[^]{1,16}/g) ?? [];
    for (const family of EVERY_FAMILY) {
      const startMs = performance.now();
      collect(family.create(OPTIONS), chunks);
      expect(performance.now() - startMs).toBeLessThan(500);
    }
  }
});
