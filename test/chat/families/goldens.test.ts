// Every built-in parser of Ollama against ours, on outputs recorded by test/fixtures/families/record.

import { describe, expect, test } from "bun:test";
import type { ChatMessage, ToolDefinition } from "../../../src/chat/message.ts";
import { familyFor } from "../../../src/chat/output-parser.ts";
import { goTemplateFamily } from "../../../src/chat/template-format.ts";
import cases from "../../fixtures/families/parser-cases.json";
import goldens from "../../fixtures/families/parser-goldens.json";
import { collectEveryWay } from "./collect.ts";

interface ParserCase {
  family: string;
  name: string;
  text: string;
  tools: string[];
  think?: boolean;
  last?: ChatMessage;
  toolTag?: string;
  thinkTags?: string[];
}

interface Golden {
  content: string;
  thinking: string;
  calls: { id?: string; function: { index: number; name: string; arguments: unknown } }[] | null;
  error?: string;
}

/** Where ours is meant to differ, with what it gives instead. */
const DEVIATIONS: Readonly<Record<string, { reason: string; want: Partial<ReturnType<typeof collectEveryWay>> }>> = {
  "qwen3: almost a tag": {
    reason: "Ollama drops what might have become a tag at the end of an answer",
    want: { text: "a < b and <tool_cal> <tool", malformed: [] },
  },
  "qwen3-vl-instruct: almost a tag": {
    reason: "as for qwen3",
    want: { text: "a < b and <tool_cal> <tool", malformed: [] },
  },
  "lfm2: bare call": {
    reason: "Ollama sees a bare call only if it arrives together with the end of the answer",
    want: { text: "", calls: [{ name: "get_weather", arguments: { city: "Paris" }, index: 0 }] },
  },
  "generic: braces after text": {
    reason: "Ollama's splitter repeats the whole text at the end",
    want: {
      text: 'Here: {"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}',
      calls: [],
    },
  },
};

const offered = cases.tools as unknown as Record<string, ToolDefinition>;

function familyOf(one: ParserCase) {
  if (one.family !== "generic") return familyFor(one.family);
  const [open, close] = one.thinkTags ?? [];
  return goTemplateFamily({
    ...(open === undefined || close === undefined ? {} : { thinking: { open, close } }),
    ...(one.toolTag === undefined ? {} : { toolTag: one.toolTag }),
  });
}

describe("an answer is understood as Ollama understands it", () => {
  (cases.cases as unknown as ParserCase[]).forEach((one, index) => {
    const golden = goldens[index] as unknown as Golden;
    const title = `${one.family}: ${one.name}`;
    test(title, () => {
      const family = familyOf(one);
      if (family === undefined) throw new Error(`no family ${one.family}`);
      const tools = one.tools.map((name) => offered[name]).filter((tool) => tool !== undefined);
      // An unset request value has become the model's default before a parser sees it.
      const thinking = one.think ?? family.supportsThinking;
      const options = { tools, thinking, ...(one.last === undefined ? {} : { lastMessage: one.last }) };
      const got = collectEveryWay(() => family.create(options), one.text);
      const deviation = DEVIATIONS[title];
      if (deviation !== undefined) {
        expect(got).toMatchObject(deviation.want);
        return;
      }
      expect(golden.error).toBeUndefined();
      expect(got).toEqual({
        text: golden.content,
        thinking: golden.thinking,
        calls: (golden.calls ?? []).map((call) => ({
          ...(call.id === undefined ? {} : { id: call.id }),
          name: call.function.name,
          arguments: call.function.arguments as Record<string, unknown>,
          index: call.function.index,
        })),
        malformed: [],
      });
    });
  });
});
