// What is inferred from a template without running it equals what Ollama infers.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import known from "../../../src/chat/go-template/known-templates.json" with { type: "json" };
import { parseGoTemplate } from "../../../src/chat/go-template/parse-go-template.ts";
import { templateFacts } from "../../../src/chat/go-template/template-facts.ts";
import { familyTemplates } from "./family-templates.ts";
import { readFixture, readLines, templateKey } from "./goldens.ts";

interface Facts {
  template: string;
  vars?: string[];
  opening?: string;
  closing?: string;
  toolTag?: string;
  error?: string;
}

const recorded = new Map(readLines<Facts>("facts-goldens.jsonl").map((facts) => [facts.template, facts]));
const sources = [
  ...familyTemplates().map(({ template }) => template),
  ...known.templates.map(({ template }) => template),
  ...(readFixture("ollama-cases.json") as string[]),
];

function inferred(source: string): Facts {
  const template = templateKey(source);
  try {
    const parsed = parseGoTemplate(source);
    const { toolTag, thinkingTags } = templateFacts(parsed);
    return { template, vars: [...parsed.variables], ...thinkingTags, toolTag };
  } catch (error) {
    if (error instanceof AppError) return { template, error: error.message };
    throw error;
  }
}

describe("variables, tool tag, thinking tags or the parse error are Ollama's for", () => {
  test.each([...new Set(sources)].map((source) => [source.slice(0, 120), source] as const))("%s", (_, source) => {
    const want = recorded.get(templateKey(source));
    expect(want).toBeDefined();
    expect(inferred(source)).toEqual(want ?? { template: "" });
  });
});

describe("capabilities", () => {
  const factsOf = (source: string) => templateFacts(parseGoTemplate(source));

  test("follow from the variables a template mentions", () => {
    const facts = factsOf(
      "{{ if .Suffix }}{{ .Suffix }}{{ else }}{{ range .Messages }}{{ .Role }}{{ end }}{{ .Tools }}{{ end }}",
    );
    expect(facts).toMatchObject({ usesSuffix: true, usesMessages: true, usesTools: true, usesThinking: false });
    expect(factsOf("{{ .Prompt }}")).toMatchObject({ usesSuffix: false, usesMessages: false, usesTools: false });
  });

  test("include thinking only where both tags are found", () => {
    const tagged = "{{ range .Messages }}{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ end }}";
    expect(factsOf(tagged).usesThinking).toBe(true);
    expect(factsOf(tagged.replace("</think>", "")).usesThinking).toBe(false);
  });

  test("count a tool round trip only with tools, calls and a place for results", () => {
    const calls = "{{ .Tools }}{{ range .Messages }}{{ if .ToolCalls }}x{{ end }}";
    expect(factsOf(`${calls}{{ if eq .Role "tool" }}y{{ end }}{{ end }}`).hasToolRoundTrip).toBe(true);
    expect(factsOf(`${calls}<tool_response>{{ end }}`).hasToolRoundTrip).toBe(true);
    expect(factsOf(`${calls}{{ end }}`).hasToolRoundTrip).toBe(false);
    expect(factsOf('{{ range .Messages }}{{ if eq .Role "tool" }}y{{ end }}{{ end }}').hasToolRoundTrip).toBe(false);
  });
});
