// nemotron-3-nano and nemotron-3.5-nano (Ollama: model/renderers/nemotron3nano.go).

import { trim } from "../families/whitespace.ts";
import type { ChatMessage, ToolDefinition } from "../message.ts";
import { ImageTags } from "./image-tags.ts";
import { pythonJson, pythonProperties, pythonProperty, pythonValue } from "./python-json.ts";
import { CODER_INSTRUCTIONS } from "./qwen3-coder.ts";
import type { Renderer, Think } from "./renderer.ts";
import { toolSchema, type ToolProperty } from "./tool-schema.ts";

function parameter(name: string, property: ToolProperty): string {
  const { type, anyOf, items, required } = property;
  const description = property.description === "" ? undefined : trim(property.description);
  let text = `\n<parameter>\n<name>${name}</name>`;
  if (type.length === 1) text += `\n<type>${type[0] ?? ""}</type>`;
  else if (type.length > 1) text += `\n<type>[${type.map((each) => `'${each}'`).join(", ")}]</type>`;
  if (description !== undefined) text += `\n<description>${description}</description>`;
  if (property.enum.length > 0) text += `\n<enum>${pythonJson(property.enum)}</enum>`;
  if (anyOf.length > 0) text += `\n<anyOf>[${anyOf.map(pythonProperty).join(", ")}]</anyOf>`;
  if (items !== undefined) text += `\n<items>${pythonJson(items)}</items>`;
  if (property.properties !== undefined) text += `\n<properties>${pythonProperties(property.properties)}</properties>`;
  if (required.length > 0) text += `\n<required>${pythonJson(required)}</required>`;
  return `${text}\n</parameter>`;
}

function declarations(tools: readonly ToolDefinition[]): string {
  let text = "# Tools\n\nYou have access to the following functions:\n\n<tools>";
  for (const schema of tools.map(toolSchema)) {
    text += `\n<function>\n<name>${schema.name}</name>`;
    if (schema.description !== "") text += `\n<description>${trim(schema.description)}</description>`;
    text += "\n<parameters>";
    for (const [name, property] of schema.properties ?? []) text += parameter(name, property);
    if (schema.defs !== undefined) text += `\n<$defs>${pythonValue(schema.defs)}</$defs>`;
    if (schema.items !== undefined) text += `\n<items>${pythonValue(schema.items)}</items>`;
    if (schema.required.length > 0) text += `\n<required>${pythonJson(schema.required)}</required>`;
    text += "\n</parameters>\n</function>";
  }
  return `${text}\n</tools>${CODER_INSTRUCTIONS}`;
}

/** The markers /think and /no_think leave the prompt once read; a real </think> stays. */
function withoutToggles(text: string): string {
  return text
    .replaceAll("</think>", "<_end_think>")
    .replaceAll("/think", "")
    .replaceAll("/no_think", "")
    .replaceAll("<_end_think>", "</think>");
}

function wantsThinking(messages: readonly ChatMessage[], think: Think, is35: boolean): boolean {
  let wanted = !think.set || think.on;
  if (is35) return wanted;
  for (const { role, content } of messages) {
    if (role !== "user" && role !== "system") continue;
    if (content.replaceAll("</think>", "").includes("/think")) wanted = true;
    else if (content.includes("/no_think")) wanted = false;
  }
  return wanted;
}

function withThinking({ content, thinking }: ChatMessage, is35: boolean): string {
  if ((thinking ?? "") !== "") {
    return is35 ? `<think>\n${thinking ?? ""}</think>${content}` : `<think>\n${thinking ?? ""}\n</think>\n${content}`;
  }
  return content.includes("<think>") || content.includes("</think>") ? content : `<think></think>${content}`;
}

function afterLast(text: string, tag: string): string {
  return text.slice(text.lastIndexOf(tag) + tag.length);
}

/** Thoughts before the last question are cut out. */
function answer(content: string, cutsThinking: boolean): string {
  const cut = cutsThinking && content.includes("<think>") && content.includes("</think>");
  return trim(cut ? `<think></think>${afterLast(content, "</think>")}` : content);
}

function beforeCalls(content: string, cutsThinking: boolean): string {
  if (trim(content) === "") return "<think></think>";
  if (!cutsThinking) return `${trim(content)}\n`;
  let rest = content;
  if (rest.includes("</think>")) rest = afterLast(rest, "</think>");
  else if (rest.includes("<think>")) rest = rest.slice(0, rest.indexOf("<think>"));
  return `${trim(`<think></think>${trim(rest)}`)}\n`;
}

function assistant(message: ChatMessage, cutsThinking: boolean, is35: boolean): string {
  const content = withThinking(message, is35);
  const calls = message.toolCalls ?? [];
  if (calls.length === 0) return `<|im_start|>assistant\n${answer(content, cutsThinking)}<|im_end|>\n`;
  let text = `<|im_start|>assistant\n${beforeCalls(content, cutsThinking)}`;
  for (const call of calls) {
    text += `<tool_call>\n<function=${call.name}>\n`;
    for (const [name, value] of Object.entries(call.arguments)) {
      text += `<parameter=${name}>\n${pythonValue(value)}\n</parameter>\n`;
    }
    text += "</function>\n</tool_call>\n";
  }
  return `${text}<|im_end|>\n`;
}

function toolResponse(messages: readonly ChatMessage[], index: number, content: string): string {
  // A result with nothing before it opens no user turn.
  const opens = index > 0 && messages[index - 1]?.role !== "tool";
  const closes = messages[index + 1]?.role !== "tool";
  return `${opens ? "<|im_start|>user\n" : ""}<tool_response>\n${content}\n</tool_response>\n${closes ? "<|im_end|>\n" : ""}`;
}

function nemotron(name: string, is35: boolean): Renderer {
  return {
    name,
    leadingBos: "",
    render(messages, tools, think) {
      const first = messages[0]?.role === "system" ? messages[0].content : "";
      const system = is35 ? first : withoutToggles(first);
      const rest = messages[0]?.role === "system" ? messages.slice(1) : messages;
      const lastUser = rest.findLastIndex((message) => message.role === "user");
      const images = new ImageTags();
      let text = `<|im_start|>system\n${system}`;
      if (tools.length > 0) text += (system === "" ? "" : "\n\n") + declarations(tools);
      text += "<|im_end|>\n";
      rest.forEach((message, index) => {
        const { role } = message;
        if (role === "assistant") text += assistant(message, index < lastUser, is35);
        else if (role === "tool") text += toolResponse(rest, index, images.content(message));
        else if (role === "user" || role === "system") {
          let content = images.content(message);
          if (!is35) content = trim(withoutToggles(content));
          else if (index === lastUser && think.level === "medium") content += "\n\n{reasoning effort: efficient}";
          text += `<|im_start|>${role}\n${content}<|im_end|>\n`;
        } else text += `<|im_start|>${role}\n${message.content}<|im_end|>\n`;
      });
      const thinks = wantsThinking(messages, think, is35);
      return `${text}<|im_start|>assistant\n${thinks ? "<think>\n" : "<think></think>"}`;
    },
  };
}

export const nemotron3Nano = nemotron("nemotron-3-nano", false);
export const nemotron35Nano = nemotron("nemotron-3.5-nano", true);
