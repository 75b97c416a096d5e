// cohere (Ollama: model/renderers/cohere.go).

import type { ChatMessage, ToolDefinition } from "../message.ts";
import { argumentsJson, goString, spacedJson } from "./go-json.ts";
import type { Renderer } from "./renderer.ts";
import { parametersJson, toolSchema } from "./tool-schema.ts";

const TURN = "<|START_OF_TURN_TOKEN|>";
const TURN_END = "<|END_OF_TURN_TOKEN|>";

function availableTools(tools: readonly ToolDefinition[]): string {
  const each = tools.map(toolSchema).map((schema) => {
    const parameters = spacedJson(parametersJson(schema));
    return `\n    {"name": ${goString(schema.name)}, "description": ${goString(schema.description)}, "parameters": ${parameters}, "responses": null}`;
  });
  return `# Available Tools\n\`\`\`json\n[\n${tools.length === 0 ? "\n\n" : `${each.join(",\n\n")}\n\n`}\n]\n\`\`\``;
}

function textTurn(role: string, content: string): string {
  return `${TURN}<|${role}_TOKEN|><|START_TEXT|>${content}<|END_TEXT|>${TURN_END}`;
}

/** Calls are numbered anew through the whole conversation, and results refer to those numbers. */
class CallNumbers {
  #next = 0;
  readonly #byId = new Map<string, string>();

  number(id: string | undefined): string {
    const number = String(this.#next++);
    if (id !== undefined && id !== "" && !this.#byId.has(id)) this.#byId.set(id, number);
    return number;
  }

  resolve(id: string | undefined): string {
    return this.#byId.get(id ?? "") ?? id ?? "";
  }
}

function thinkingBlock(thinking: string | undefined): string {
  return (thinking ?? "") === "" ? "" : `<|START_THINKING|>${thinking ?? ""}<|END_THINKING|>`;
}

function callTurn(message: ChatMessage, numbers: CallNumbers): string {
  const calls = (message.toolCalls ?? []).map(
    (call) =>
      `\n\n    {"tool_call_id": "${numbers.number(call.id)}", "tool_name": "${call.name}", "parameters": ${spacedJson(argumentsJson(call.arguments))}}`,
  );
  // The whitespace is the original template's.
  return (
    `${TURN}<|CHATBOT_TOKEN|>\n            \n                ${thinkingBlock(message.thinking)}` +
    `<|START_ACTION|>[${calls.join(",")}\n\n]<|END_ACTION|>${TURN_END}`
  );
}

function toolResult({ content, toolCallId }: ChatMessage, numbers: CallNumbers): string {
  return (
    `\n    {\n        "tool_call_id": "${numbers.resolve(toolCallId)}",\n        "results": {\n\n            \n` +
    `            "0": {"content": ${goString(content)}}\n\n        },\n        "is_error": null\n    }`
  );
}

export const cohere: Renderer = {
  name: "cohere",
  leadingBos: "<BOS_TOKEN>",
  render(messages, tools, think) {
    const hasSystem = messages[0]?.role.toLowerCase() === "system";
    const system = hasSystem ? (messages[0]?.content ?? "") : "";
    const rest = hasSystem ? messages.slice(1) : messages;
    const numbers = new CallNumbers();
    let text = textTurn("SYSTEM", (system === "" ? "" : `${system}\n\n\n\n`) + availableTools(tools));
    let continues = false;
    rest.forEach((message, index) => {
      const role = message.role.toLowerCase();
      if (role === "system" || role === "user") text += textTurn(role.toUpperCase(), message.content);
      else if (role === "assistant" || role === "chatbot") {
        if ((message.toolCalls?.length ?? 0) > 0) {
          text += callTurn(message, numbers);
          return;
        }
        continues = index === rest.length - 1;
        text += `${TURN}<|CHATBOT_TOKEN|>${thinkingBlock(message.thinking)}<|START_TEXT|>${message.content}`;
        if (!continues) text += `<|END_TEXT|>${TURN_END}`;
      } else if (role === "tool") {
        const first = rest[index - 1]?.role.toLowerCase() !== "tool";
        const last = rest[index + 1]?.role.toLowerCase() !== "tool";
        text += first ? `${TURN}<|SYSTEM_TOKEN|><|START_TOOL_RESULT|>[` : ",";
        text += toolResult(message, numbers) + (last ? `\n\n]<|END_TOOL_RESULT|>${TURN_END}` : "");
      }
    });
    if (continues) return text;
    return `${text}${TURN}<|CHATBOT_TOKEN|><|START_THINKING|>${!think.set || think.on ? "" : "<|END_THINKING|>"}`;
  },
};
