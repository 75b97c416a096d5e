// Which output format a chat template implies, from the tags in its text: for models that Ollama has no parser for, be it a
// GGUF's Jinja template (the markers are those that llama.cpp's common/chat.cpp looks for) or a Go template's tags.

import { cohereTemplate } from "./families/cohere.ts";
import { deepseekTemplateFamily } from "./families/deepseek.ts";
import { functionGemma, gemma4 } from "./families/gemma.ts";
import { glimmer } from "./families/glimmer.ts";
import { harmony } from "./families/harmony.ts";
import { lfm2, lfm2Thinking } from "./families/lfm2.ts";
import { functionary31, functionary32, llama3 } from "./families/llama3.ts";
import { mistralTemplateFamily } from "./families/mistral.ts";
import { olmo3 } from "./families/olmo3.ts";
import { CALL_FORMATS, templateFamily, type CallFormatName, type ThinkTags } from "./families/template-families.ts";
import type { OutputEvent, OutputFamily, OutputOptions, OutputParser, ToolEnvelope } from "./output-family.ts";
import { createThinkingSplitter } from "./thinking.ts";
import { createToolCallSplitter } from "./tool-calls.ts";

const THINK_TAGS: readonly ThinkTags[] = [
  { open: "<think>", close: "</think>" },
  { open: "[THINK]", close: "[/THINK]" },
  { open: "<seed:think>", close: "</seed:think>" },
  { open: "<|inner_prefix|>", close: "<|inner_suffix|>" },
  { open: "<|START_THINKING|>", close: "<|END_THINKING|>" },
];

/** The thinking tags that a template writes; one that only names the closing tag (to cut old thoughts) counts too. */
export function thinkingTags(template: string): ThinkTags | undefined {
  return THINK_TAGS.find(({ close }) => template.includes(close));
}

interface Marker {
  all: readonly string[];
  family(template: string, think: ThinkTags | undefined): OutputFamily;
}

const byFormat = (name: CallFormatName) => (_: string, think: ThinkTags | undefined) =>
  templateFamily(name, CALL_FORMATS[name], think);

/** Tried in this order: the more special a marker, the earlier. */
const MARKERS: readonly Marker[] = [
  { all: ["<|channel|>", "<|message|>"], family: () => harmony },
  { all: ["<atem:function_calls>", "<|eom|>"], family: () => glimmer },
  { all: [">>>all"], family: () => functionary32 },
  { all: ["<|tool_calls_section_begin|>", "<|tool_call_begin|>"], family: byFormat("kimi") },
  { all: ["<｜tool▁calls▁begin｜>"], family: (template) => deepseekTemplateFamily(template.includes("```json")) },
  { all: ["<|START_ACTION|>"], family: () => cohereTemplate },
  { all: ["<|tool_call_start|>"], family: (_, think) => (think === undefined ? lfm2 : lfm2Thinking) },
  { all: ["<|tool_list_start|>"], family: (_, think) => (think === undefined ? lfm2 : lfm2Thinking) },
  { all: ["<start_function_call>"], family: () => functionGemma },
  { all: ["<|tool_call>call:"], family: () => gemma4 },
  { all: ["<minimax:tool_call>"], family: byFormat("minimax") },
  { all: ["<tool_calls>", "<end_of_sentence>"], family: byFormat("minimax-m1") },
  { all: ["<seed:tool_call>"], family: byFormat("seed") },
  { all: ["<|tools_prefix|>"], family: byFormat("apertus") },
  { all: ["DSML", "function_calls"], family: byFormat("deepseek-v3.2") },
  { all: ["DSML", "tool_calls"], family: byFormat("deepseek-v4") },
  { all: ["<|tool_call:begin|>"], family: byFormat("solar") },
  { all: ["Action:", "json", "<|START_OF_TURN_TOKEN|>"], family: byFormat("command-r") },
  // Nothing here reads the calls of MiniMax M3 and Kimi K3, so they stay text.
  { all: ["<|end_of_msg|>", "<|open|>"], family: (_, think) => templateFamily("kimi-k3", undefined, think) },
  { all: ["]<]minimax[>["], family: (_, think) => templateFamily("minimax-m3", undefined, think) },
  { all: ["<TOOLCALL>"], family: byFormat("nemotron-v2") },
  { all: ["[TOOL_CALLS]", "[ARGS]"], family: (_, think) => mistralTemplateFamily("named", think) },
  { all: ["[TOOL_CALLS]"], family: (_, think) => mistralTemplateFamily("array", think) },
  { all: ["<tool_call>", "<arg_key>"], family: byFormat("glm") },
  { all: ["<tool_call>", "<function="], family: byFormat("coder") },
  { all: ["<tool_call>"], family: byFormat("hermes") },
  { all: ["<function_calls>"], family: () => olmo3 },
  { all: ["<|tool_call|>"], family: byFormat("granite") },
  { all: ["<|tool|>"], family: byFormat("phi4") },
  { all: ["List of tools: ["], family: (_, think) => (think === undefined ? lfm2 : lfm2Thinking) },
  { all: ["functools["], family: byFormat("firefunction") },
  { all: ["<function="], family: () => functionary31 },
  { all: ["<|python_tag|>"], family: () => llama3 },
  { all: ['{"name": function name, "parameters":'], family: () => llama3 },
  // A template that writes calls without any tag writes them as JSON.
  {
    all: ["tool_calls"],
    family: (_, think) => (think === undefined ? llama3 : templateFamily("thinking", undefined, think)),
  },
];

/** The family whose calls and thinking the template speaks of; undefined where it speaks of neither. */
export function familyForTemplate(template: string): OutputFamily | undefined {
  const think = thinkingTags(template);
  const marker = MARKERS.find(({ all }) => all.every((text) => template.includes(text)));
  if (marker !== undefined) return marker.family(template, think);
  return think === undefined ? undefined : templateFamily("thinking", undefined, think);
}

export interface GoTemplateTags {
  readonly thinking?: ThinkTags;
  readonly toolTag?: string;
  readonly toolEnvelope?: ToolEnvelope;
}

/** The family of a Go template, given the tags read off its syntax tree (Ollama: thinking/template.go, tools/template.go). */
export function goTemplateFamily(tags: GoTemplateTags): OutputFamily {
  return {
    name: "go-template",
    ...(tags.toolEnvelope === undefined ? {} : { toolEnvelope: tags.toolEnvelope }),
    supportsTools: tags.toolTag !== undefined,
    supportsThinking: tags.thinking !== undefined,
    create: (options) => new GoTemplateParser(tags, options),
  };
}

/** Thinking is split off first; what is left goes through the splitter for calls, if tools were offered. */
class GoTemplateParser implements OutputParser {
  readonly #thinking: OutputParser | undefined;
  readonly #calls: OutputParser | undefined;

  constructor(tags: GoTemplateTags, { tools, thinking, prompt }: OutputOptions) {
    if (tags.thinking !== undefined && thinking) {
      const startsInside = (prompt ?? "").trimEnd().endsWith(tags.thinking.open);
      this.#thinking = createThinkingSplitter({ ...tags.thinking, startsInside });
    }
    if (tags.toolTag !== undefined && tools.length > 0) this.#calls = createToolCallSplitter(tags.toolTag, tools);
  }

  feed(text: string): OutputEvent[] {
    return this.#split(this.#thinking?.feed(text) ?? [{ kind: "text", text }]);
  }

  finish(): OutputEvent[] {
    return [...this.#split(this.#thinking?.finish() ?? []), ...(this.#calls?.finish() ?? [])];
  }

  #split(events: OutputEvent[]): OutputEvent[] {
    const calls = this.#calls;
    if (calls === undefined) return events.filter((event) => event.kind !== "text" || event.text !== "");
    return events.flatMap((event) => (event.kind === "text" ? calls.feed(event.text) : [event]));
  }
}
