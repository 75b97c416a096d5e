// Single points that the tables of the other suites do not reach.

import { describe, expect, test } from "bun:test";
import { harmony } from "../../../src/chat/families/harmony.ts";
import { llama3 } from "../../../src/chat/families/llama3.ts";
import type { ToolDefinition } from "../../../src/chat/message.ts";
import type { OutputFamily, OutputOptions } from "../../../src/chat/output-family.ts";
import { familyFor } from "../../../src/chat/output-parser.ts";
import { familyForTemplate, goTemplateFamily } from "../../../src/chat/template-format.ts";
import { createThinkingSplitter, withoutPastThinking } from "../../../src/chat/thinking.ts";
import { createToolCallSplitter } from "../../../src/chat/tool-calls.ts";
import { collect, collectEveryWay } from "./collect.ts";
import { TOOLS } from "./conversations.ts";

function run(family: OutputFamily | undefined, text: string, options: Partial<OutputOptions> = {}) {
  if (family === undefined) throw new Error("no such family");
  return collectEveryWay(() => family.create({ tools: TOOLS, thinking: false, ...options }), text);
}

function tool(name: string): ToolDefinition {
  return { type: "function", function: { name, parameters: { type: "object", properties: {} } } };
}

describe("tool calls", () => {
  test("calls after a broken one are still read, and counted from the calls that were", () => {
    const got = run(
      familyFor("qwen3"),
      '<tool_call>{"name": </tool_call> and <tool_call>{"name":"now","arguments":{}}</tool_call>',
    );
    expect(got).toEqual({
      text: "and",
      thinking: "",
      calls: [{ name: "now", arguments: {}, index: 0 }],
      malformed: ['<tool_call>{"name": </tool_call>'],
    });
  });

  test("a tool that was not offered is passed on, except where Ollama refuses it", () => {
    expect(run(familyFor("qwen3"), '<tool_call>{"name":"nope","arguments":{}}</tool_call>').calls).toHaveLength(1);
    const ministral = run(familyFor("ministral"), "[TOOL_CALLS]nope[ARGS]{}");
    expect(ministral.calls).toEqual([]);
    expect(ministral.malformed).toEqual(["[TOOL_CALLS]nope[ARGS]{}"]);
  });

  test("an unclosed call counts if it is complete", () => {
    expect(run(familyFor("qwen3"), '<tool_call>{"name":"now","arguments":{}}').calls).toHaveLength(1);
    expect(run(familyFor("qwen3"), '<tool_call>{"name":"now","argum').malformed).toEqual([
      '<tool_call>{"name":"now","argum',
    ]);
  });

  test("arguments encoded in a string are opened, and `__proto__` is a name like any other", () => {
    const [call] = run(
      familyFor("qwen3"),
      '<tool_call>{"name":"now","arguments":"{\\"__proto__\\": {\\"a\\": 1}}"}</tool_call>',
    ).calls;
    expect(Object.keys(call?.arguments ?? {})).toEqual(["__proto__"]);
    const xml = "<tool_call><function=now><parameter=__proto__>x</parameter></function></tool_call>";
    const [coder] = run(familyFor("qwen3-coder"), xml).calls;
    expect(Object.keys(coder?.arguments ?? {})).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(coder?.arguments)).toBe(Object.prototype);
  });

  test("a forgotten closing tag of a parameter is forgiven", () => {
    const text =
      "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>";
    expect(run(familyFor("qwen3-coder"), text).calls[0]?.arguments).toEqual({ city: "Paris", days: 2 });
  });

  test("values take the type of the schema, and stay text where they do not fit", () => {
    const value = (name: string, text: string): unknown => {
      const xml = `<tool_call><function=save_note><parameter=${name}>${text}</parameter></function></tool_call>`;
      return run(familyFor("qwen3-coder"), xml).calls[0]?.arguments[name];
    };
    expect([value("pinned", "TRUE"), value("pinned", "maybe"), value("ratio", "2"), value("ratio", "1e3")]).toEqual([
      true,
      false,
      2,
      1000,
    ]);
    expect([value("ratio", "much"), value("tags", "[1"), value("meta", '{"a":1}'), value("text", "null")]).toEqual([
      "much",
      "[1",
      { a: 1 },
      null,
    ]);
    expect([value("text", "12"), value("unknown", "12"), value("ratio", "Infinity")]).toEqual(["12", "12", "Infinity"]);
  });
});

describe("bare JSON", () => {
  test("an answer in JSON is text unless it names an offered tool", () => {
    expect(run(llama3, '{"name": "Ada", "parameters": {}}').text).toBe('{"name": "Ada", "parameters": {}}');
    expect(run(llama3, '{"name": "now", "parameters": {}}', { tools: [] }).text).toBe(
      '{"name": "now", "parameters": {}}',
    );
    expect(run(llama3, '{"name": "now", "parameters": {}}; {"name": "now", "parameters": {}}').calls).toHaveLength(2);
  });

  test("the python tag takes JSON, a built-in's call, or code for an offered interpreter", () => {
    expect(run(llama3, '<|python_tag|>{"name": "now", "parameters": {}}').calls).toHaveLength(1);
    expect(run(llama3, '<|python_tag|>brave_search.call(query="x")').calls).toEqual([
      { name: "brave_search", arguments: { query: "x" }, index: 0 },
    ]);
    expect(run(llama3, "<|python_tag|>print(1)").malformed).toEqual(["<|python_tag|>print(1)"]);
    expect(run(llama3, "<|python_tag|>print(1)", { tools: [tool("python")] }).calls).toEqual([
      { name: "python", arguments: { code: "print(1)" }, index: 0 },
    ]);
  });
});

describe("harmony", () => {
  test("functions are renamed to identifiers for the prompt and back in calls", () => {
    const tools = ["get weather!", "get-weather", "get_weather", "3d", "browser.open", "!"].map(tool);
    const names = harmony.renameTools?.(tools).map((each) => each.function.name);
    expect(names).toEqual(["get_weather", "get_weather_2", "get_weather_3", "_3d", "browser.open", "unnamed"]);
    const got = run(harmony, "<|channel|>commentary to=functions.get_weather_2<|message|>{}<|call|>", { tools });
    expect(got.calls).toEqual([{ name: "get-weather", arguments: {}, index: 0 }]);
  });

  test("several calls in one answer are several calls, and a broken one is text", () => {
    const call = (body: string): string =>
      `<|start|>assistant<|channel|>commentary to=functions.now<|message|>${body}<|call|>`;
    const got = run(harmony, `<|channel|>analysis<|message|>Hm.<|end|>${call("{}")}${call("{")}${call('{"a":1}')}`);
    expect(got.calls.map((each) => [each.index, each.arguments])).toEqual([
      [0, {}],
      [1, { a: 1 }],
    ]);
    expect(got.malformed).toEqual(["{"]);
  });

  test("an answer without any header is text", () => {
    expect(run(harmony, "Just an answer.").text).toBe("Just an answer.");
    const long = "word ".repeat(300);
    expect(run(harmony, `${long}<|message|>`).text).toBe(`${long}<|message|>`);
  });
});

describe("families read off a template", () => {
  const qwen = familyForTemplate("{% if tools %}<tool_call></tool_call>{% endif %}<think></think>");

  test("look at the end of the prompt to see whether thinking has begun", () => {
    expect(run(qwen, "Hm.</think>Yes.", { prompt: "…assistant\n<think>\n" })).toMatchObject({
      thinking: "Hm.",
      text: "Yes.",
    });
    expect(run(qwen, "<think>Hm.</think>Yes.", { prompt: "…assistant\n" })).toMatchObject({
      thinking: "Hm.",
      text: "Yes.",
    });
    expect(run(qwen, "Yes.", { prompt: "…<think>\n\n</think>\n\n" })).toMatchObject({ thinking: "", text: "Yes." });
  });
});

test("thoughts are cut from the content of answers before the last question only", () => {
  const thought = { role: "assistant", content: "<think>\nHm.\n</think>\n\nYes." };
  const messages = [{ role: "user", content: "<think>a</think>b" }, thought, { role: "user", content: "?" }, thought];
  expect(withoutPastThinking(messages).map((message) => message.content)).toEqual([
    "<think>a</think>b",
    "Yes.",
    "?",
    thought.content,
  ]);
});

describe("the splitters for Go templates", () => {
  test("thinking that the prompt has begun needs no opening tag", () => {
    const splitter = () => createThinkingSplitter({ open: "<t>", close: "</t>", startsInside: true });
    expect(collectEveryWay(splitter, "\nHm </t>\n\nYes </t>")).toMatchObject({ thinking: "Hm ", text: "Yes </t>" });
  });

  test("an answer of nothing but whitespace stays one", () => {
    const splitter = () => createThinkingSplitter({ open: "<t>", close: "</t>", startsInside: false });
    expect(collect(splitter(), [" \n"]).text).toBe(" \n");
  });

  test("what follows the tag and is no call is flagged text, and text after calls is kept", () => {
    const splitter = () => createToolCallSplitter("<call>", TOOLS);
    expect(collectEveryWay(splitter, 'Hi <call>{"name": "other", }')).toMatchObject({
      text: "Hi ",
      malformed: ['<call>{"name": "other", }'],
    });
    const got = collectEveryWay(splitter, '<call>{"name": "now", "arguments": {}}</call>\nThat is all.');
    expect(got.calls).toEqual([{ name: "now", arguments: {}, index: 0 }]);
    expect(got.text.trim()).toBe("That is all.");
  });

  test("a longer tool name is not mistaken for a shorter one, however it is cut", () => {
    const splitter = () => createToolCallSplitter("{", [tool("get"), tool("get_weather")]);
    expect(collectEveryWay(splitter, '{"name": "get_weather", "arguments": {"a": 1}}').calls).toEqual([
      { name: "get_weather", arguments: { a: 1 }, index: 0 },
    ]);
  });

  test("without tools or with thinking off nothing is split", () => {
    const family = goTemplateFamily({ thinking: { open: "<t>", close: "</t>" }, toolTag: "{" });
    const text = '<t>a</t>{"name": "now", "arguments": {}}';
    expect(run(family, text, { tools: [] }).text).toBe(text);
  });
});
