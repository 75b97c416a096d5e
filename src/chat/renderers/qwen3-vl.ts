// qwen3-vl-instruct and qwen3-vl-thinking (Ollama: model/renderers/qwen3vl.go).

import type { ChatMessage, ToolDefinition } from "../message.ts";
import { argumentsJson, spacedJson } from "./go-json.ts";
import { ImageTags } from "./image-tags.ts";
import { toolResponses } from "./qwen3-coder.ts";
import type { Renderer } from "./renderer.ts";
import { toolJson } from "./tool-schema.ts";

export function isToolResponse(content: string): boolean {
  return content.startsWith("<tool_response>") && content.endsWith("</tool_response>");
}

/** The last user message that is no result of a call; thinking after it belongs to the current turn. */
export function lastQuery(messages: readonly ChatMessage[], contents: readonly string[]): number {
  for (let index = messages.length - 1; index >= 0; index--) {
    if (messages[index]?.role === "user" && !isToolResponse(contents[index] ?? "")) return index;
  }
  return messages.length - 1;
}

function system(messages: readonly ChatMessage[], tools: readonly ToolDefinition[]): string {
  const first = messages[0]?.role === "system" ? messages[0].content : undefined;
  if (tools.length === 0) return first === undefined ? "" : `<|im_start|>system\n${first}<|im_end|>\n`;
  return (
    `<|im_start|>system\n${first === undefined ? "" : `${first}\n\n`}` +
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n" +
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>" +
    tools.map((tool) => `\n${spacedJson(toolJson(tool))}`).join("") +
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n" +
    '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n'
  );
}

function calls(message: ChatMessage, content: string): string {
  return (message.toolCalls ?? [])
    .map((call, index) => {
      const gap = index > 0 || content !== "" ? "\n" : "";
      const args = spacedJson(argumentsJson(call.arguments));
      return `${gap}<tool_call>\n{"name": "${call.name}", "arguments": ${args}}\n</tool_call>`;
    })
    .join("");
}

function assistant(message: ChatMessage, content: string, showsThinking: boolean, isLast: boolean): string {
  let text = "<|im_start|>assistant\n";
  const thinking = message.thinking ?? "";
  if (showsThinking && (isLast || thinking !== "")) {
    text += `<think>\n${thinking.replace(/^\n+|\n+$/g, "")}`;
    if (content !== "") text += `\n</think>\n\n${content.replace(/^\n+/, "")}`;
  } else {
    text += content;
  }
  return text + calls(message, content) + (isLast ? "" : "<|im_end|>\n");
}

function qwen3Vl(name: string, thinksByDefault: boolean): Renderer {
  return {
    name,
    leadingBos: "",
    render(messages, tools, think) {
      const thinks = think.set ? think.on : thinksByDefault;
      const images = new ImageTags();
      const contents = messages.map((message) => images.content(message));
      const query = lastQuery(messages, contents);
      let text = system(messages, tools);
      messages.forEach((message, index) => {
        const content = contents[index] ?? "";
        const isLast = index === messages.length - 1;
        if (message.role === "user" || (message.role === "system" && index !== 0)) {
          text += `<|im_start|>${message.role}\n${content}<|im_end|>\n`;
        } else if (message.role === "assistant") {
          text += assistant(message, content, thinks && index > query, isLast);
        } else if (message.role === "tool") {
          text += toolResponses(messages, index, content);
        }
        if (isLast && message.role !== "assistant") text += `<|im_start|>assistant\n${thinks ? "<think>\n" : ""}`;
      });
      return text;
    },
  };
}

export const qwen3VlInstruct = qwen3Vl("qwen3-vl-instruct", false);
export const qwen3VlThinking = qwen3Vl("qwen3-vl-thinking", true);
