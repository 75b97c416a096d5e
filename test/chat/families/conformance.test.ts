// One suite for all families: what a family's own renderer or template writes must come back as the same calls, text and
// thinking, however it is cut; and whatever is broken comes back as text.

import { describe, expect, test } from "bun:test";
import type { OutputFamily, OutputOptions } from "../../../src/chat/output-family.ts";
import { familyFor, familyNames } from "../../../src/chat/output-parser.ts";
import { collectEveryWay, type Collected } from "./collect.ts";
import { TOOLS, TURNS, type Turn } from "./conversations.ts";
import { RENDERED, renderedTurn } from "./renderer-turns.ts";

function family(name: string): OutputFamily {
  const found = familyFor(name);
  if (found === undefined) throw new Error(`no family ${name}`);
  return found;
}

function optionsFor(turn: Turn): OutputOptions {
  return { tools: TOOLS, thinking: turn.thinking !== "" };
}

function summary({ text, thinking, calls, malformed }: Collected) {
  return {
    text: text.trim(),
    thinking: thinking.trim(),
    calls: calls.map(({ name, arguments: args, index }) => ({ name, arguments: args, index })),
    malformed,
  };
}

function wanted({ text, thinking, calls }: Turn) {
  return {
    text,
    thinking,
    calls: calls.map(({ name, arguments: args }, index) => ({ name, arguments: args, index })),
    malformed: [],
  };
}

describe("what a family's own renderer writes is read back", () => {
  for (const row of RENDERED) {
    for (const turn of TURNS) {
      const text = renderedTurn(row, turn);
      if (text === undefined) continue;
      test(`${row.family} (${row.renderer}): ${turn.name}`, () => {
        // qwen3-vl-thinking always begins inside the block, so an answer without thoughts closes it.
        const always = row.family === "qwen3-vl-thinking" && turn.thinking === "" ? `</think>\n\n${text}` : text;
        const got = collectEveryWay(() => family(row.family).create(optionsFor(turn)), always);
        expect(summary(got)).toEqual(wanted(turn));
      });
    }
  }

  test("every family with tools has a row here or a reason not to", () => {
    const elsewhere = ["harmony", "ministral", "gemma4-no-thinking"]; // templates only; see template-turns.test.ts
    const rows = new Set([...RENDERED.map((row) => row.family), ...elsewhere]);
    expect(familyNames.filter((name) => family(name).supportsTools && !rows.has(name))).toEqual([]);
  });
});
