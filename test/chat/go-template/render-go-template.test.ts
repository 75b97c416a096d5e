// Model families' templates, Ollama's own and hand-made ones over every conversation, equal to Ollama byte for byte.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import known from "../../../src/chat/go-template/known-templates.json" with { type: "json" };
import { parseGoTemplate } from "../../../src/chat/go-template/parse-go-template.ts";
import { renderGoTemplate, type RenderInput } from "../../../src/chat/go-template/render-go-template.ts";
import { familyTemplates } from "./family-templates.ts";
import { readConversations, readFixture, readLines, templateKey, type Recorded } from "./goldens.ts";

const [header, ...lines] = readLines<{ date?: string; template?: string; results?: Recorded[] }>(
  "render-goldens.jsonl",
);
const recorded = new Map(lines.map(({ template, results }) => [template, results ?? []]));
const conversations = readConversations();
const now = new Date(`${header?.date}T12:00:00`);

function outcome(source: string, input: RenderInput): Recorded {
  try {
    return { output: renderGoTemplate(parseGoTemplate(source), input, { now }) };
  } catch (error) {
    if (error instanceof AppError) return { error: error.message };
    throw error;
  }
}

function compare(source: string): void {
  const results = recorded.get(templateKey(source));
  if (!results) {
    // Ollama does not parse it, and then neither do we; the wording is checked with the facts.
    expect(() => parseGoTemplate(source)).toThrow(AppError);
    return;
  }
  expect(results).toHaveLength(conversations.length);
  for (const [index, conversation] of conversations.entries()) {
    const want = results[index];
    if (want?.panics) continue;
    const got = outcome(source, conversation);
    expect({ conversation: conversation.name, ...got }).toEqual({ conversation: conversation.name, ...want });
  }
}

const families = Map.groupBy(familyTemplates(), ({ template }) => template);

describe("a conversation renders as Ollama renders it with the template of", () => {
  test.each([...families].map(([template, models]) => [models[0]?.model ?? "", template] as const))(
    "%s",
    (_, template) => {
      expect(recorded.has(templateKey(template))).toBe(true);
      compare(template);
    },
  );
  test.each(known.templates.map(({ name, template }) => [name, template] as const))("Ollama's %s", (_, template) => {
    expect(recorded.has(templateKey(template))).toBe(true);
    compare(template);
  });
});

describe("a conversation renders as Ollama renders it with the template", () => {
  test.each((readFixture("ollama-cases.json") as string[]).map((source) => [source]))("%s", (source) =>
    compare(source),
  );
});
