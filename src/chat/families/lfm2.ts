// LFM2: `[f(a='x'), g()]` between tool tags, or bare when a model forgets them; the thinking models open <think> only when
// they reason (Ollama: model/parsers/lfm2.go).

import { isPrefill, type ToolDefinition } from "../message.ts";
import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import { parsePythonCalls } from "./python-call.ts";
import { SegmentParser, tagChoice, type Captured, type Region, type StreamRegion } from "./segments.ts";
import { findTool } from "./typed-value.ts";
import { trimStart } from "./whitespace.ts";

const TOOL_OPEN = "<|tool_call_start|>";
const TOOL_CLOSE = "<|tool_call_end|>";

const ENVELOPE: ToolEnvelope = {
  begin: `${TOOL_OPEN}[`,
  beforeName: "",
  name: "plain",
  afterName: "(",
  arguments: { as: "keywords", assign: "=", separator: ",", quotes: "json" },
  afterArguments: ")",
  between: ",",
  end: `]${TOOL_CLOSE}`,
};

function readTagged(raw: string): Captured {
  const calls = parsePythonCalls(raw);
  return calls === undefined ? undefined : { calls };
}

/** Without tags, text is a call only if it is nothing but calls of offered tools; else it stays text. */
function readBare(raw: string, tools: readonly ToolDefinition[]): Captured {
  const calls = parsePythonCalls(raw);
  const known = calls?.every((call) => findTool(tools, call.name) !== undefined) === true;
  return known && calls !== undefined ? { calls } : { calls: [], text: raw };
}

/** Whether the text begins, or may still turn out to begin, with a call of an offered tool. */
function bareCallStatus(ahead: string, tools: readonly ToolDefinition[]): "yes" | "no" | "maybe" {
  const text = trimStart(ahead);
  if (text === "" || text === "[") return tools.length === 0 ? "no" : "maybe";
  const call = text.startsWith("[") ? trimStart(text.slice(1)) : text;
  let status: "no" | "maybe" = "no";
  for (const tool of tools) {
    const start = `${tool.function.name}(`;
    if (call.startsWith(start)) return "yes";
    if (start.startsWith(call)) status = "maybe";
  }
  return status;
}

function lfm2Regions(options: OutputOptions): Record<string, Region> {
  const content: StreamRegion = {
    is: "stream",
    emits: "text",
    exits: [{ tag: TOOL_OPEN, to: "tool" }],
    trailing: "drop-before-tag",
  };
  const bareChoice = (otherwise: string): Region => ({
    is: "choice",
    choose(ahead, final) {
      const status = bareCallStatus(ahead, options.tools);
      if (status === "yes") return { to: "bare", drop: 0 };
      return status === "maybe" && !final ? "wait" : { to: otherwise, drop: 0 };
    },
  });
  return {
    content,
    answer: { ...content, trimStart: true },
    start: bareChoice("content"),
    "start-answer": bareChoice("answer"),
    bare: {
      is: "capture",
      open: "",
      exits: [{ tag: TOOL_OPEN, to: "tool" }],
      read: (raw) => readBare(raw, options.tools),
    },
    look: tagChoice([{ tag: "<think>", to: "thinking" }], { to: "start", dropSpace: true }),
    thinking: {
      is: "stream",
      emits: "thinking",
      exits: [{ tag: "</think>", to: "start-answer" }],
      trimStart: true,
      trailing: "drop",
    },
    tool: { is: "capture", open: TOOL_OPEN, exits: [{ tag: TOOL_CLOSE, to: "after-tool" }], read: readTagged },
    "after-tool": tagChoice([{ tag: TOOL_OPEN, to: "tool" }], { to: "answer", dropSpace: true }),
  };
}

function lfm2Family(name: string, supportsThinking: boolean): OutputFamily {
  return {
    name,
    supportsTools: true,
    supportsThinking,
    toolEnvelope: ENVELOPE,
    create(options) {
      const looks = supportsThinking && options.thinking && !isPrefill(options.lastMessage);
      return new SegmentParser(lfm2Regions(options), looks ? "look" : "start");
    },
  };
}

export const lfm2 = lfm2Family("lfm2", false);
export const lfm2Thinking = lfm2Family("lfm2-thinking", true);
