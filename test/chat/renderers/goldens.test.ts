// Every named renderer against Ollama's, on prompts recorded by test/fixtures/families/record.

import { describe, expect, test } from "bun:test";
import { toAppError } from "../../../src/base/errors.ts";
import type { ToolDefinition } from "../../../src/chat/message.ts";
import { rendererFor, rendererNames, requireRenderer } from "../../../src/chat/renderers/registry.ts";
import type { Think } from "../../../src/chat/renderers/renderer.ts";
import cases from "../../fixtures/families/renderer-cases.json";
import goldens from "../../fixtures/families/renderer-goldens.json";
import { fromWire, type WireMessage } from "./wire-message.ts";

interface Conversation {
  name: string;
  messages: WireMessage[];
  tools: string[];
}

const offered = cases.tools as unknown as Record<string, ToolDefinition>;
const conversations = cases.conversations as unknown as Conversation[];
const recorded = goldens as unknown as Record<string, Record<string, string[]>>;

function asThink(value: unknown): Think {
  if (value === null) return { set: false, on: false };
  if (typeof value === "boolean") return { set: true, on: value };
  return { set: true, on: true, level: value as NonNullable<Think["level"]> };
}

function render(name: string, conversation: Conversation, think: unknown): string {
  const tools = conversation.tools.map((tool) => offered[tool]).filter((tool) => tool !== undefined);
  try {
    return requireRenderer(name).render(conversation.messages.map(fromWire), tools, asThink(think));
  } catch (error) {
    return `error: ${toAppError(error).message}`;
  }
}

/** What no recording can fix: today's date, and the order of a Go map's keys (one tool here has several extra keys). */
function comparable(name: string, text: string): string {
  const dated = text.replace(/Current date: \d{4}-\d\d-\d\d/, "Current date: TODAY");
  const unordered = name === "qwen3-coder" && text.includes("search_web");
  return unordered ? dated.split("\n").sort().join("\n") : dated;
}

describe("a prompt is rendered as Ollama renders it", () => {
  for (const name of cases.renderers) {
    for (const conversation of conversations) {
      test(`${name}: ${conversation.name}`, () => {
        let want = "";
        const texts = recorded[name]?.[conversation.name] ?? [];
        expect(texts).toHaveLength(cases.thinks.length);
        texts.forEach((text, index) => {
          want = text === "=" ? want : text;
          const got = render(name, conversation, cases.thinks[index]);
          expect(comparable(name, got)).toBe(comparable(name, want));
        });
      });
    }
  }
});

test("every renderer that Ollama names exists, and no other name does", () => {
  expect([...rendererNames].sort()).toEqual([...cases.renderers].sort());
  expect(rendererFor("toString")).toBeUndefined();
  expect(() => requireRenderer("nope")).toThrow('unknown renderer "nope"');
});
