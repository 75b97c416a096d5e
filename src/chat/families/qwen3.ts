// Qwen3 and Hermes: JSON calls in <tool_call>, thinking in <think> (Ollama: model/parsers/qwen3.go, qwen3vl.go).

import { isPrefill } from "../message.ts";
import type { ToolEnvelope } from "../output-family.ts";
import { readJsonCalls } from "./json-call.ts";
import { tagFamily, type ThinkingTags, type ToolTags } from "./tag-family.ts";

export const HERMES_ENVELOPE: ToolEnvelope = {
  begin: "<tool_call>\n",
  beforeName: '{"name": "',
  name: "json",
  afterName: '", "arguments": ',
  arguments: { as: "json" },
  afterArguments: "}",
  between: "\n</tool_call>\n<tool_call>\n",
  end: "\n</tool_call>",
};

export const HERMES_TOOLS: ToolTags = {
  open: "<tool_call>",
  close: ["</tool_call>"],
  read: (raw) => readJsonCalls(raw),
};

const THINK: Omit<ThinkingTags, "begin"> = { open: "<think>", close: "</think>", endsAtTool: true };

const common = {
  tools: [HERMES_TOOLS],
  trailing: "drop",
  trimsAfterTool: true,
  toolEnvelope: HERMES_ENVELOPE,
} as const;

export const qwen3 = tagFamily({ name: "qwen3", ...common });

// The prompt ends with <think>, and some checkpoints write the tag once more.
export const qwen3Thinking = tagFamily({
  name: "qwen3-thinking",
  ...common,
  thinking: { ...THINK, begin: (options) => (options.thinking ? "inside-or-tag" : "text") },
});

export const qwen3VlInstruct = tagFamily({ name: "qwen3-vl-instruct", ...common });

// Ollama begins inside the block whatever the request says; only a prefilled answer changes that.
export const qwen3VlThinking = tagFamily({
  name: "qwen3-vl-thinking",
  ...common,
  thinking: { ...THINK, begin: (options) => (isPrefill(options.lastMessage) ? "text" : "inside") },
});
