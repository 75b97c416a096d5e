// What a Go template shows of its calls is enough to hold a model to one: written so, the call is read back.

import { describe, expect, test } from "bun:test";
import { chooseDialogFormat } from "../../../src/chat/dialog-format.ts";
import type { ToolDefinition } from "../../../src/chat/message.ts";
import type { OutputFamily } from "../../../src/chat/output-family.ts";
import { toolGrammar } from "../../../src/chat/tool-grammar.ts";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../../src/formats/grammar/gbnf-match.ts";
import { envelopeText } from "../families/envelope-text.ts";
import { familyTemplates } from "./family-templates.ts";

const tool: ToolDefinition = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const calls = ["Paris", "Oslo {north}"].map((city) => ({ name: "get_weather", arguments: { city } }));

const formatOf = (goTemplate: string) =>
  chooseDialogFormat({
    goTemplate,
    renderer: undefined,
    parser: undefined,
    jinja: undefined,
    bosText: "",
    eosText: "",
    architecture: "llama",
    preferGo: undefined,
  });

const families = new Map<string, OutputFamily>();
const seen = new Set<string>();
for (const { model, template } of familyTemplates()) {
  const { kind, family } = formatOf(template);
  if (kind === "go" && family.supportsTools && !seen.has(template)) families.set(model, family);
  seen.add(template);
}
const withEnvelope = [...families].filter(([, family]) => family.toolEnvelope !== undefined);

function read(family: OutputFamily, text: string) {
  const parser = family.create({ tools: [tool], thinking: false });
  const events = Array.from(text).flatMap((char) => parser.feed(char));
  return [...events, ...parser.finish()].map((event) =>
    event.kind === "tool-call" ? { name: event.call.name, arguments: event.call.arguments } : event,
  );
}

function follows(grammar: string, text: string): boolean {
  const matcher = GrammarMatcher.create(checkGrammar(grammar));
  return Array.from(text).every((char) => matcher.advance(char.codePointAt(0) ?? 0)) && matcher.canEnd;
}

test("most templates that offer tools show how they are called, the best known among them", () => {
  expect([withEnvelope.length, families.size]).toEqual([22, 27]);
  expect(families.get("library/llama3.1:8b")?.toolEnvelope).toMatchObject({
    begin: '{"name": "',
    afterName: '", "parameters": ',
    end: "}",
  });
  expect(families.get("library/mistral-large:123b")?.toolEnvelope).toMatchObject({
    begin: '[TOOL_CALLS] [{"name": "',
    between: '}, {"name": "',
    end: "}]",
  });
});

test("a template whose calls would not be read back has none", () => {
  const written = "{{ range .Messages }}{{ .Content }}{{ if .ToolCalls }}<c>{{ range .ToolCalls }}";
  const ends = "{{ end }}</c>{{ end }}{{ end }}{{ .Tools }}";
  const template = (call: string) => formatOf(written + call + ends).family;
  expect(template("{{ .Function.Name }} {{ .Function.Arguments }}").toolEnvelope).toMatchObject({ begin: "<c>" });
  expect(template('{"tool": "{{ .Function.Name }}", "in": {{ .Function.Arguments }}}').toolEnvelope).toBeUndefined();
  expect(template("{{ .Function.Name }}").toolEnvelope).toBeUndefined();
  expect(template("{{ .Function.Name.Absent }}").toolEnvelope).toBeUndefined();
});

describe.each(withEnvelope)("%s", (_, family) => {
  const envelope = family.toolEnvelope;
  if (envelope === undefined) throw new Error("filtered above");
  const given = envelope.between === undefined ? calls.slice(0, 1) : calls;

  test("calls written in its way are read back, and nothing is left over", () => {
    expect(read(family, envelopeText(envelope, given))).toEqual(given);
  });

  test("the grammar allows them, and nothing but them", () => {
    const grammar = toolGrammar(envelope, [tool], true);
    expect(follows(grammar, envelopeText(envelope, given))).toBe(true);
    expect(follows(grammar, "It is sunny.")).toBe(false);
    expect(follows(toolGrammar(envelope, [tool], false), envelopeText(envelope, calls))).toBe(false);
  });
});
