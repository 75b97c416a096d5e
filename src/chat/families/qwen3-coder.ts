// Qwen3-Coder's XML calls and the families that put thinking before them (Ollama: model/parsers/qwen3coder.go, qwen35.go,
// nemotron3nano.go).

import { isPrefill } from "../message.ts";
import type { OutputOptions, ToolEnvelope } from "../output-family.ts";
import { tagFamily, type Beginning, type ThinkingTags, type ToolTags } from "./tag-family.ts";
import { CODER_DIALECT, readXmlCalls } from "./xml-call.ts";

export const CODER_ENVELOPE: ToolEnvelope = {
  begin: "<tool_call>\n",
  beforeName: "<function=",
  name: "plain",
  afterName: ">\n",
  arguments: { as: "elements", beforeName: "<parameter=", afterName: ">\n", afterValue: "\n</parameter>\n" },
  afterArguments: "</function>",
  between: "\n</tool_call>\n<tool_call>\n",
  end: "\n</tool_call>",
};

export const CODER_TOOLS: ToolTags = {
  open: "<tool_call>",
  close: ["</tool_call>"],
  read: (raw, closed, { tools }) => readXmlCalls(raw, closed, tools, CODER_DIALECT),
};

const common = { tools: [CODER_TOOLS], trailing: "drop", trimsAfterTool: true, toolEnvelope: CODER_ENVELOPE } as const;

const THINKING: ThinkingTags = { open: "<think>", close: "</think>", endsAtTool: true, begin: beginThinking };

function beginThinking({ thinking, lastMessage }: OutputOptions): Beginning {
  return thinking && !isPrefill(lastMessage) ? "inside-or-tag" : "text";
}

export const qwen3Coder = tagFamily({ name: "qwen3-coder", ...common });
export const qwen35 = tagFamily({ name: "qwen3.5", ...common, thinking: THINKING });
export const ornith = tagFamily({ name: "ornith", ...common, thinking: THINKING });
export const nemotron3Nano = tagFamily({ name: "nemotron-3-nano", ...common, thinking: THINKING });
export const nemotron35Nano = tagFamily({ name: "nemotron-3.5-nano", ...common, thinking: THINKING });
