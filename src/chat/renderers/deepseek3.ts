// deepseek3.1 (Ollama: model/renderers/deepseek3.go).

import type { ChatMessage, ToolDefinition } from "../message.ts";
import { argumentsJson } from "./go-json.ts";
import type { Renderer } from "./renderer.ts";
import { parametersJson, toolSchema } from "./tool-schema.ts";

const BOS = "<｜begin▁of▁sentence｜>";
const END = "<｜end▁of▁sentence｜>";
const TOOL_RULES = `
IMPORTANT: ALWAYS adhere to this exact format for tool use:
<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>{{additional_tool_calls}}<｜tool▁calls▁end｜>

Where:

- \`tool_call_name\` must be an exact match to one of the available tools
- \`tool_call_arguments\` must be valid JSON that strictly follows the tool's Parameters Schema
- For multiple tool calls, chain them directly without separators or spaces
`;

function declarations(tools: readonly ToolDefinition[]): string {
  if (tools.length === 0) return "";
  const each = tools
    .map(toolSchema)
    .map(
      (schema) => `\n### ${schema.name}\nDescription: ${schema.description}\n\nParameters: ${parametersJson(schema)}\n`,
    );
  return `\n\n## Tools\nYou have access to the following tools:\n${each.join("")}${TOOL_RULES}`;
}

function calls(message: ChatMessage): string {
  const each = (message.toolCalls ?? []).map(
    (call) => `<｜tool▁call▁begin｜>${call.name}<｜tool▁sep｜>${argumentsJson(call.arguments)}<｜tool▁call▁end｜>`,
  );
  return `<｜tool▁calls▁begin｜>${each.join("")}<｜tool▁calls▁end｜>`;
}

function withoutThinking(content: string): string {
  const close = content.indexOf("</think>");
  return close === -1 ? content : content.slice(close + "</think>".length);
}

export const deepseek31: Renderer = {
  name: "deepseek3.1",
  leadingBos: BOS,
  render(messages, tools, think) {
    const thinks = think.set && think.on;
    const systems = messages.filter((message) => message.role === "system").map((message) => message.content);
    let text = BOS + systems.join("\n\n") + declarations(tools);
    const lastUser = messages.findLastIndex((message) => message.role === "user");
    let previous: "user" | "tool" | "other" = "other";
    for (const [index, message] of messages.entries()) {
      if (message.role === "user") {
        text += `<｜User｜>${message.content}`;
        previous = "user";
      } else if (message.role === "tool") {
        text += `<｜tool▁output▁begin｜>${message.content}<｜tool▁output▁end｜>`;
        previous = "tool";
      } else if (message.role === "assistant") {
        const hasCalls = (message.toolCalls?.length ?? 0) > 0;
        const opens = !hasCalls && (message.thinking ?? "") !== "" && thinks && index > lastUser;
        if (previous === "user") text += `<｜Assistant｜>${opens ? "<think>" : "</think>"}`;
        if (hasCalls) text += message.content + calls(message) + END;
        else text += (previous === "tool" ? message.content : withoutThinking(message.content)) + END;
        previous = "other";
      }
    }
    return previous === "user" ? `${text}<｜Assistant｜>${thinks ? "<think>" : "</think>"}` : text;
  },
};
