// laguna and poolside-v1 (Ollama: model/renderers/laguna.go).

import { trim, trimEnd } from "../families/whitespace.ts";
import type { ChatMessage, MessageToolCall, ToolDefinition } from "../message.ts";
import { goJson, spacedJson } from "./go-json.ts";
import type { Renderer } from "./renderer.ts";
import { toolJson } from "./tool-schema.ts";

const BOS = "〈|EOS|〉";
const DEFAULT_SYSTEM =
  "You are a helpful, conversationally-fluent assistant made by Poolside. You are here to be helpful to users through natural language conversations.";
const HOW_TO_CALL =
  "For each function call, return an unescaped XML-like object with function name and arguments within '<tool_call>' and '</tool_call>' tags, like here:\n";

function availableTools(tools: readonly ToolDefinition[]): string {
  return (
    "### Tools\n\nYou may call functions to assist with the user query.\nAll available function signatures are listed below:\n" +
    `<available_tools>\n${tools.map((tool) => `${spacedJson(toolJson(tool))}\n`).join("")}</available_tools>`
  );
}

function toolCall({ name, arguments: args }: MessageToolCall, newline: string): string {
  const pairs = Object.entries(args).map(([key, value]) => {
    const text = typeof value === "string" ? value : spacedJson(goJson(value));
    return `<arg_key>${key}</arg_key>${newline}<arg_value>${text}</arg_value>${newline}`;
  });
  return `<tool_call>${name}${newline}${pairs.join("")}</tool_call>${newline}`;
}

function systemText(messages: readonly ChatMessage[]): string {
  return messages[0]?.role === "system" ? messages[0].content : DEFAULT_SYSTEM;
}

function lagunaSystem(system: string, tools: readonly ToolDefinition[], thinks: boolean): string {
  if (trim(system) === "" && tools.length === 0) return "";
  let text = `<system>\n${trim(system) === "" ? "" : `\n${trimEnd(system)}`}`;
  if (tools.length > 0) {
    const thoughts = thinks ? "<think> your thoughts here </think>\n" : "";
    const wrap = thinks ? "Wrap your thinking in '<think>', '</think>' tags, followed by a function call. " : "";
    text += `\n\n${availableTools(tools)}\n\n${wrap}${HOW_TO_CALL}${thoughts}`;
    text +=
      "<tool_call>function-name\n<arg_key>argument-key</arg_key>\n<arg_value>value-of-argument-key</arg_value>\n</tool_call>";
  }
  return `${text}\n</system>\n`;
}

/** Thoughts written into the content are taken out of it. */
function splitContent({ content, thinking }: ChatMessage): { content: string; thinking: string } {
  const parts = content.split("</think>");
  if (parts.length === 1) return { content, thinking: thinking ?? "" };
  let thoughts = thinking ?? "";
  if (thoughts === "") {
    const before = (parts[0] ?? "").replace(/\n+$/, "");
    const open = before.lastIndexOf("<think>");
    thoughts = (open === -1 ? before : before.slice(open + "<think>".length)).replace(/^\n+/, "");
  }
  return { content: (parts.at(-1) ?? "").replace(/^\n+/, ""), thinking: thoughts };
}

function lagunaAssistant(message: ChatMessage, isLast: boolean): string {
  const split = splitContent(message);
  const content = trim(split.content);
  const thinking = trim(split.thinking);
  const calls = message.toolCalls ?? [];
  const continues = isLast && (content !== "" || thinking !== "" || calls.length > 0);
  return (
    `<assistant>\n${thinking === "" ? "" : `<think>\n${thinking}\n`}</think>\n${content === "" ? "" : `${content}\n`}` +
    `${calls.map((call) => toolCall(call, "\n")).join("")}${continues ? "" : "</assistant>\n"}`
  );
}

export const laguna: Renderer = {
  name: "laguna",
  leadingBos: BOS,
  render(messages, tools, think) {
    const thinks = think.set && think.on;
    let text = BOS + lagunaSystem(systemText(messages), tools, thinks);
    messages.forEach((message, index) => {
      const { role, content } = message;
      if (role === "system" && index === 0) return;
      if (role === "assistant") text += lagunaAssistant(message, index === messages.length - 1);
      else if (role === "tool") text += `<tool_response>\n${content}\n</tool_response>\n`;
      else if (role === "user" || role === "system") text += `<${role}>\n${content}\n</${role}>\n`;
    });
    if (messages.at(-1)?.role === "assistant") return text;
    return `${text}<assistant>\n${thinks ? "<think>" : "</think>"}`;
  },
};

export const poolsideV1: Renderer = {
  name: "poolside-v1",
  leadingBos: BOS,
  render(messages, tools, think) {
    const thinks = think.set && think.on;
    const system = trimEnd(systemText(messages));
    let text = BOS;
    if (system !== "" || tools.length > 0 || thinks) {
      const gap = system !== "" && tools.length > 0 ? "\n\n" : "";
      text += `<system>${system}${gap}${tools.length > 0 ? availableTools(tools) : ""}</system>\n`;
    }
    messages.forEach((message, index) => {
      const { role, content, thinking } = message;
      if (role === "system" && index === 0) return;
      if (role === "assistant") {
        const calls = (message.toolCalls ?? []).map((call) => toolCall(call, "")).join("");
        text += `<assistant>${thinks ? `<think>${thinking ?? ""}` : ""}</think>${content}${calls}</assistant>\n`;
      } else if (role === "tool") text += `<tool_response>${content}</tool_response>\n`;
      else if (role === "user" || role === "system") text += `<${role}>${content}</${role}>\n`;
    });
    return `${text}<assistant>${thinks ? "<think>" : "</think>"}`;
  },
};
