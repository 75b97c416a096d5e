// cogito (Ollama: model/renderers/cogito.go).

import { argumentsJson, indentedJson } from "./go-json.ts";
import type { Renderer } from "./renderer.ts";
import { toolJson } from "./tool-schema.ts";
import type { ChatMessage, ToolDefinition } from "../message.ts";

const BOS = "<｜begin▁of▁sentence｜>";
const PROMPT =
  "You are Cogito, an AI assistant created by Deep Cogito, which is an AI research lab based in San Francisco.";

function system(given: string, tools: readonly ToolDefinition[], thinks: boolean): string {
  let text = thinks ? `Enable deep thinking subroutine.\n\n${PROMPT}` : PROMPT;
  if (given !== "") text += `\n\n${given}${thinks ? "\n\n" : ""}`;
  if (tools.length === 0) return text;
  const declarations = tools.map((tool) => `\`\`\`json\n${indentedJson(toolJson(tool))}\n\`\`\`\n`);
  return `${text}\nYou have the following functions available:\n${declarations.join("")}`;
}

function assistant(message: ChatMessage): string {
  const calls = (message.toolCalls ?? []).map(
    (call) =>
      `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${call.name}\n\`\`\`json\n${argumentsJson(call.arguments)}\n\`\`\`<｜tool▁call▁end｜>`,
  );
  const block = calls.length === 0 ? "" : `<｜tool▁calls▁begin｜>${calls.join("\n")}<｜tool▁calls▁end｜>`;
  return `${message.content}${block}<｜end▁of▁sentence｜>`;
}

export const cogito: Renderer = {
  name: "cogito",
  leadingBos: BOS,
  render(messages, tools, think) {
    const thinks = think.set && think.on;
    const hasSystem = messages[0]?.role === "system";
    const rest = hasSystem ? messages.slice(1) : messages;
    let text = BOS + system(hasSystem ? (messages[0]?.content ?? "") : "", tools, thinks);
    let lastIsUser = false;
    rest.forEach((message, index) => {
      if (message.role === "user") {
        text += `<｜User｜>${message.content}<｜Assistant｜>`;
        lastIsUser = true;
      } else if (message.role === "assistant") {
        text += assistant(message);
        lastIsUser = false;
      } else if (message.role === "tool") {
        if (rest[index - 1]?.role !== "tool") text += "<｜tool▁outputs▁begin｜>";
        text += `<｜tool▁output▁begin｜>${message.content}<｜tool▁output▁end｜>`;
        text += rest[index + 1]?.role === "tool" ? "\n" : "<｜tool▁outputs▁end｜>";
        lastIsUser = false;
      }
    });
    return text + (lastIsUser ? "" : "<｜Assistant｜>") + (thinks ? "<think>\n" : "");
  },
};
