// How one model is spoken to: which template renders its prompt and which family reads its answer. Chosen once per model
// (spec 2.55): built-in renderer/parser > harmony > Go TEMPLATE layer > the GGUF's Jinja template > the bare prompt;
// without a preference a Jinja template wins over a Go one that can do less.

import { AppError } from "../base/errors.ts";
import { callEnvelope } from "./go-template/call-envelope.ts";
import type { Message as GoMessage } from "./go-template/message.ts";
import { type GoTemplate, parseGoTemplate } from "./go-template/parse-go-template.ts";
import { renderGoTemplate } from "./go-template/render-go-template.ts";
import { templateFacts } from "./go-template/template-facts.ts";
import { JinjaTemplate } from "./jinja.ts";
import { jinjaFacts } from "./jinja-facts.ts";
import type { ChatMessage, ToolDefinition } from "./message.ts";
import type { OutputFamily } from "./output-family.ts";
import { familyFor } from "./output-parser.ts";
import { passthrough } from "./families/passthrough.ts";
import { rendererFor } from "./renderers/registry.ts";
import { familyForTemplate, goTemplateFamily, thinkingTags } from "./template-format.ts";

export interface Think {
  readonly set: boolean;
  readonly on: boolean;
  readonly level?: "low" | "medium" | "high" | "max";
}

export interface Dialog {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly think: Think;
}

export interface DialogSource {
  readonly renderer: string | undefined;
  readonly parser: string | undefined;
  readonly goTemplate: string | undefined;
  readonly jinja: string | undefined;
  /** Spelled-out special tokens, which Jinja templates write themselves. */
  readonly bosText: string;
  readonly eosText: string;
  readonly architecture: string;
  /** OLLAMA_GO_TEMPLATE. */
  readonly preferGo: boolean | undefined;
}

export interface DialogFormat {
  readonly kind: "renderer" | "go" | "jinja" | "plain";
  /** What `show --template` prints. */
  readonly templateText: string;
  readonly usesTools: boolean;
  readonly usesThinking: boolean;
  readonly usesSuffix: boolean;
  readonly family: OutputFamily;
  /** What closes the model's thinking; a constrained answer begins behind it. */
  readonly thinkingEnd: string | undefined;
  render(dialog: Dialog): string;
  renderInsert(prompt: string, suffix: string): string;
}

/** Where a family closes its thinking with something other than </think>. */
const THINKING_ENDS: Readonly<Record<string, string>> = {
  harmony: "<|channel|>final<|message|>",
  gemma4: "<channel|>",
  "gemma4-no-thinking": "<channel|>",
  cohere: "<|END_THINKING|>",
  ministral: "[/THINK]",
};

const PLAIN = "{{ .Prompt }}";

/** Throws `invalid` for a broken template; rendering throws `internal` ("unknown renderer") for a name nobody knows. */
export function chooseDialogFormat(source: DialogSource): DialogFormat {
  const go = source.goTemplate === undefined ? undefined : parseGoTemplate(source.goTemplate);
  if (source.renderer !== undefined) return namedFormat(source, source.renderer, go);
  if (go !== undefined && isHarmony(source)) return withFamily(goFormat(go), familyFor("harmony") ?? passthrough);
  const parser = source.parser === undefined ? undefined : familyFor(source.parser);
  if (go !== undefined && (parser !== undefined || goWins(source, go))) {
    return parser === undefined ? goFormat(go) : withFamily(goFormat(go), parser);
  }
  if (source.jinja !== undefined) {
    const jinja = jinjaFormat(source, source.jinja);
    return parser === undefined ? jinja : withFamily(jinja, parser);
  }
  return goFormat(parseGoTemplate(PLAIN), "plain");
}

/** The format of a template that a request brought along. */
export function requestedFormat(template: string): DialogFormat {
  return goFormat(parseGoTemplate(template));
}

function isHarmony(source: DialogSource): boolean {
  const template = source.goTemplate ?? "";
  const isFamily = source.architecture === "gptoss" || source.architecture === "gpt-oss";
  return isFamily && template.includes("<|start|>") && template.includes("<|end|>");
}

function goWins(source: DialogSource, go: GoTemplate): boolean {
  if (source.preferGo !== undefined) return source.preferGo;
  if (source.jinja === undefined) return true;
  const theirs = jinjaFacts(source.jinja);
  const ours = templateFacts(go);
  const count = (facts: { usesTools: boolean; usesThinking: boolean }) =>
    Number(facts.usesTools) + Number(facts.usesThinking);
  const oursCount = count(ours) + Number(ours.usesSuffix);
  if (count(theirs) > oursCount) return ours.hasToolRoundTrip && !theirs.hasToolRoundTrip;
  const same = theirs.usesTools === ours.usesTools && theirs.usesThinking === ours.usesThinking && !ours.usesSuffix;
  return !(same && theirs.usesTools && theirs.hasToolRoundTrip && !ours.hasToolRoundTrip);
}

function withFamily(format: DialogFormat, family: OutputFamily): DialogFormat {
  const usesTools = format.usesTools || family.supportsTools;
  const usesThinking = format.usesThinking || family.supportsThinking;
  const thinkingEnd = family.supportsThinking ? (THINKING_ENDS[family.name] ?? "</think>") : format.thinkingEnd;
  return { ...format, family, usesTools, usesThinking, thinkingEnd };
}

function noInsert(): never {
  throw new AppError("invalid", "does not support insert");
}

function namedFormat(source: DialogSource, name: string, go: GoTemplate | undefined): DialogFormat {
  const renderer = rendererFor(name);
  const family = familyFor(source.parser ?? "") ?? passthrough;
  return {
    kind: "renderer",
    templateText: source.goTemplate ?? source.jinja ?? PLAIN,
    usesTools: family.supportsTools,
    usesThinking: family.supportsThinking,
    usesSuffix: go !== undefined && templateFacts(go).usesSuffix,
    family,
    thinkingEnd: family.supportsThinking ? (THINKING_ENDS[family.name] ?? "</think>") : undefined,
    render: ({ messages, tools, think }) => {
      // Said only to who asks the model: it can be shown, copied and removed all the same.
      if (renderer === undefined) throw new AppError("internal", `unknown renderer "${name}"`);
      const named = family.renameTools === undefined ? [...tools] : family.renameTools([...tools]);
      return renderer.render(messages, named, {
        set: think.set,
        on: think.on,
        ...(think.level === undefined ? {} : { level: think.level }),
      });
    },
    renderInsert: noInsert,
  };
}

function goFormat(go: GoTemplate, kind: "go" | "plain" = "go"): DialogFormat {
  const facts = templateFacts(go);
  const { opening, closing } = facts.thinkingTags;
  const thinking = opening === "" || closing === "" ? undefined : { open: opening, close: closing };
  const toolTag = facts.usesTools ? facts.toolTag : undefined;
  const toolEnvelope = toolTag === undefined ? undefined : callEnvelope(go, toolTag);
  return {
    kind,
    templateText: go.source,
    usesTools: facts.usesTools,
    usesThinking: facts.usesThinking,
    usesSuffix: facts.usesSuffix,
    thinkingEnd: thinking?.close,
    family: goTemplateFamily({
      ...(thinking === undefined ? {} : { thinking }),
      ...(toolTag === undefined ? {} : { toolTag }),
      ...(toolEnvelope === undefined ? {} : { toolEnvelope }),
    }),
    render: ({ messages, tools, think }) =>
      renderGoTemplate(go, {
        messages: messages.map(goMessage),
        ...(tools.length === 0 ? {} : { tools }),
        think: { set: think.set, on: think.on, ...(think.level === undefined ? {} : { level: think.level }) },
      }),
    renderInsert: (prompt, suffix) => renderGoTemplate(go, { prompt, suffix }),
  };
}

function goMessage(message: ChatMessage): GoMessage {
  return {
    role: message.role,
    content: message.content,
    ...(message.thinking === undefined ? {} : { thinking: message.thinking }),
    ...(message.toolName === undefined ? {} : { toolName: message.toolName }),
    ...(message.toolCallId === undefined ? {} : { toolCallId: message.toolCallId }),
    ...(message.toolCalls === undefined
      ? {}
      : {
          toolCalls: message.toolCalls.map((call, index) => ({
            ...(call.id === undefined ? {} : { id: call.id }),
            function: { index, name: call.name, arguments: call.arguments },
          })),
        }),
  };
}

function jinjaFormat(source: DialogSource, text: string): DialogFormat {
  const template = new JinjaTemplate(text);
  const facts = jinjaFacts(text);
  return {
    kind: "jinja",
    templateText: text,
    usesTools: facts.usesTools,
    usesThinking: facts.usesThinking,
    usesSuffix: false,
    family: familyForTemplate(text) ?? passthrough,
    thinkingEnd: thinkingTags(text)?.close,
    render: ({ messages, tools, think }) =>
      template.render({
        messages: messages.map(jinjaMessage),
        ...(tools.length === 0 ? {} : { tools }),
        add_generation_prompt: messages.at(-1)?.role !== "assistant",
        ...(messages.at(-1)?.role === "assistant" ? { continue_final_message: true } : {}),
        enable_thinking: think.on,
        thinking: think.on,
        ...(think.level === undefined ? {} : { reasoning_effort: think.level === "max" ? "high" : think.level }),
        bos_token: source.bosText,
        eos_token: source.eosText,
      }),
    renderInsert: noInsert,
  };
}

/** Chat templates expect the OpenAI shape of messages. */
function jinjaMessage(message: ChatMessage): Record<string, unknown> {
  return {
    role: message.role,
    content: message.content,
    ...(message.thinking === undefined ? {} : { reasoning_content: message.thinking, thinking: message.thinking }),
    ...(message.toolName === undefined ? {} : { name: message.toolName }),
    ...(message.toolCallId === undefined ? {} : { tool_call_id: message.toolCallId }),
    ...(message.toolCalls === undefined || message.toolCalls.length === 0
      ? {}
      : {
          tool_calls: message.toolCalls.map((call) => ({
            type: "function",
            ...(call.id === undefined ? {} : { id: call.id }),
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
  };
}
