// FunctionGemma and Gemma 4: `call:name{key:value}` between tags; Gemma 4 thinks in a channel
// (Ollama: model/parsers/functiongemma.go, gemma4.go).

import { isPrefill, type ToolDefinition } from "../message.ts";
import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import { parseBraced } from "./braced-value.ts";
import { SegmentParser, tagChoice, type Captured, type Exit, type Region, type StreamRegion } from "./segments.ts";
import { tagFamily } from "./tag-family.ts";
import { findTool, parameterSchema, parameterTypes } from "./typed-value.ts";
import { trim } from "./whitespace.ts";

const ESCAPE = "<escape>";
const QUOTE = '<|"|>';

function readCall(
  raw: string,
  closed: boolean,
  delimiter: string,
  bareString: (name: string, key: string) => boolean,
): Captured {
  const brace = raw.indexOf("{");
  const start = raw.indexOf("call:");
  if (brace === -1 || start === -1 || start > brace) return undefined;
  const name = trim(raw.slice(start + "call:".length, brace));
  if (name === "") return undefined;
  const args = parseBraced(raw.slice(brace), {
    delimiter,
    strict: !closed,
    bareString: (key) => bareString(name, key),
  });
  return args === undefined ? undefined : { calls: [{ name, arguments: args }] };
}

export const functionGemma = tagFamily({
  name: "functiongemma",
  tools: [
    {
      open: "<start_function_call>",
      close: ["<end_function_call>"],
      read: (raw, closed) => readCall(raw, closed, ESCAPE, () => true),
    },
  ],
  trailing: "keep",
  trimsAfterTool: false,
});

/** Unquoted text is too ambiguous unless the schema says that a string is meant (gemma4.go, repairGemma4RawTerminalStringValue). */
function acceptsBareString(tools: readonly ToolDefinition[], name: string, key: string): boolean {
  const tool = findTool(tools, name);
  if (parameterSchema(tool, key) === undefined) return false;
  return parameterTypes(tool, key).some((type) => type.toLowerCase() === "string");
}

const TOOL_OPEN = "<|tool_call>";
const TOOL_CLOSE = "<tool_call|>";
const RESPONSE = "<|tool_response>";
const CHANNEL_OPEN = "<|channel>";
const CHANNEL_CLOSE = "<channel|>";
const CHANNEL_NAME = "thought\n";

const GEMMA4_ENVELOPE: ToolEnvelope = {
  begin: TOOL_OPEN,
  beforeName: "call:",
  name: "plain",
  afterName: "{",
  arguments: { as: "keywords", assign: ":", separator: ",", quotes: [QUOTE, QUOTE] },
  afterArguments: "}",
  between: TOOL_CLOSE + TOOL_OPEN,
  end: TOOL_CLOSE,
};

function gemma4Family(name: string, supportsThinking: boolean): OutputFamily {
  return {
    name,
    supportsTools: true,
    supportsThinking,
    toolEnvelope: GEMMA4_ENVELOPE,
    create(options) {
      const thinking = supportsThinking && options.thinking;
      return new SegmentParser(gemma4Regions(options, thinking), gemma4Start(options, thinking));
    },
  };
}

/** After a tool's result the prompt itself opens the channel. */
function gemma4Start({ lastMessage, prompt }: OutputOptions, thinking: boolean): string {
  if (!thinking || isPrefill(lastMessage)) return "content";
  const opened =
    prompt === undefined ? lastMessage?.role === "tool" : prompt.trimEnd().endsWith(`${CHANNEL_OPEN}thought`);
  return opened ? "channel" : "content";
}

function gemma4Regions(options: OutputOptions, thinking: boolean): Record<string, Region> {
  const exits: Exit[] = [
    { tag: CHANNEL_OPEN, to: "channel-name" },
    { tag: TOOL_OPEN, to: "tool" },
  ];
  const content: StreamRegion = { is: "stream", emits: "text", exits, trailing: "drop-before-tag" };
  return {
    content,
    answer: { ...content, trimStart: true },
    "channel-name": {
      is: "choice",
      choose(ahead, final) {
        if (ahead.startsWith(CHANNEL_NAME)) return { to: "channel", drop: CHANNEL_NAME.length };
        return !final && CHANNEL_NAME.startsWith(ahead) ? "wait" : { to: "channel", drop: 0 };
      },
    },
    channel: {
      is: "stream",
      // What a model thinks unasked is dropped, as Ollama does.
      emits: thinking ? "thinking" : "nothing",
      exits: [{ tag: CHANNEL_CLOSE, to: "answer" }],
      trailing: "drop-before-tag",
    },
    tool: {
      is: "capture",
      open: TOOL_OPEN,
      exits: [{ tag: TOOL_CLOSE, to: "noise" }],
      read: (raw, closed) => readCall(raw, closed, QUOTE, (name, key) => acceptsBareString(options.tools, name, key)),
    },
    // The model may repeat the closing tag, and the template's response tag is a boundary; neither is content.
    noise: tagChoice(
      [
        { tag: TOOL_CLOSE, to: "noise" },
        { tag: RESPONSE, to: "noise" },
      ],
      { to: "content", dropSpace: true },
    ),
  };
}

export const gemma4 = gemma4Family("gemma4", true);
export const gemma4NoThinking = gemma4Family("gemma4-no-thinking", false);
