// functiongemma (Ollama: model/renderers/functiongemma.go).

import { trim } from "../families/whitespace.ts";
import type { ChatMessage, ToolDefinition } from "../message.ts";
import { bracedValue } from "./braced-text.ts";
import type { Renderer } from "./renderer.ts";
import { toolSchema } from "./tool-schema.ts";

const DEFAULT_SYSTEM = "You can do function calling with the following functions:";
const FORM = { quote: "<escape>", nullText: "<nil>" } as const;

function escape(text: string): string {
  return `<escape>${text}<escape>`;
}

function declaration(tool: ToolDefinition): string {
  const schema = toolSchema(tool);
  const parts: string[] = [];
  const properties = schema.properties?.toSorted(([a], [b]) => (a < b ? -1 : 1)) ?? [];
  if (properties.length > 0) {
    const each = properties.map(([name, { description, type }]) => {
      const [first] = type;
      return `${name}:{description:${escape(description)}${first === undefined ? "" : `,type:${escape(first.toUpperCase())}`}}`;
    });
    parts.push(`properties:{${each.join(",")}}`);
  }
  if (schema.required.length > 0) parts.push(`required:[${schema.required.map(escape).join(",")}]`);
  if (schema.type !== "") parts.push(`type:${escape(schema.type.toUpperCase())}`);
  const parameters = schema.properties === undefined && schema.type === "" ? "" : `,parameters:{${parts.join(",")}}`;
  return (
    `<start_function_declaration>declaration:${schema.name}{description:${escape(schema.description)}${parameters}}` +
    "<end_function_declaration>"
  );
}

function developer(system: string, tools: readonly ToolDefinition[]): string {
  if (system === "" && tools.length === 0) return "";
  let text = `<start_of_turn>developer\n${trim(system)}`;
  if (tools.length > 0) {
    if (system !== "") text += "\n";
    if (trim(system) !== DEFAULT_SYSTEM) text += DEFAULT_SYSTEM;
  }
  return `${text}${tools.map(declaration).join("")}<end_of_turn>\n`;
}

function calls(message: ChatMessage): string {
  return (message.toolCalls ?? [])
    .map((call) => `<start_function_call>call:${call.name}${bracedValue(call.arguments, FORM)}<end_function_call>`)
    .join("");
}

/** Results carry no name of their own: the n-th result after the calls belongs to the n-th call. */
function resultName(messages: readonly ChatMessage[], index: number): string {
  const caller = messages.findLastIndex(
    ({ role, toolCalls }, at) => at < index && role === "assistant" && (toolCalls?.length ?? 0) > 0,
  );
  if (caller === -1) return "";
  const position = messages.slice(caller + 1, index).filter((message) => message.role === "tool").length;
  return messages[caller]?.toolCalls?.[position]?.name ?? "";
}

export const functionGemma: Renderer = {
  name: "functiongemma",
  leadingBos: "<bos>",
  render(messages, tools) {
    const hasSystem = messages[0]?.role === "system" || messages[0]?.role === "developer";
    const rest = hasSystem ? messages.slice(1) : messages;
    let text = `<bos>${developer(hasSystem ? (messages[0]?.content ?? "") : "", tools)}`;
    let previous: "" | "tool_call" | "tool_response" = "";
    for (const [index, message] of rest.entries()) {
      const { role } = message;
      if (role === "tool") {
        if (previous !== "tool_call") text += "<start_function_response>";
        text += `response:${resultName(rest, index)}{${escape(message.content)}}<end_function_response>`;
        previous = "tool_response";
        continue;
      }
      if (role === "assistant" || role === "user") {
        if (previous !== "tool_response") text += `<start_of_turn>${role === "user" ? "user" : "model"}\n`;
        previous = "";
        text += trim(message.content);
        const hasCalls = role === "assistant" && (message.toolCalls?.length ?? 0) > 0;
        if (hasCalls) text += calls(message);
        if (hasCalls && rest[index + 1]?.role === "tool") {
          text += "<start_function_response>";
          previous = "tool_call";
        } else text += "<end_of_turn>\n";
        continue;
      }
      text += `<start_of_turn>${role}\n${trim(message.content)}<end_of_turn>\n`;
    }
    return previous === "tool_response" ? text : `${text}<start_of_turn>model\n`;
  },
};
