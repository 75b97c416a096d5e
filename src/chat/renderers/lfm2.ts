// lfm2 and lfm2-thinking (Ollama: model/renderers/lfm2.go).

import { trim } from "../families/whitespace.ts";
import type { ChatMessage, MessageToolCall, ToolDefinition } from "../message.ts";
import { goJson, spacedJson } from "./go-json.ts";
import { ImageTags } from "./image-tags.ts";
import type { Renderer } from "./renderer.ts";
import { functionJson, toolSchema } from "./tool-schema.ts";

const BOS = "<|startoftext|>";
const CALL_OPEN = "<|tool_call_start|>";
const RESPONSE_OPEN = "<|tool_response_start|>";

function toolList(tools: readonly ToolDefinition[]): string {
  const each = tools.map((tool) => spacedJson(functionJson(toolSchema(tool), false)));
  return `List of tools: <|tool_list_start|>[${each.join(", ")}]<|tool_list_end|>`;
}

function calls(toolCalls: readonly MessageToolCall[]): string {
  const each = toolCalls.map((call) => {
    const args = Object.keys(call.arguments).sort();
    return `${call.name}(${args.map((name) => `${name}=${spacedJson(goJson(call.arguments[name], false))}`).join(",")})`;
  });
  return `${CALL_OPEN}[${each.join(",")}]<|tool_call_end|>`;
}

function assistantContent(message: ChatMessage, given: string, writesThinking: boolean): string {
  const toolCalls = message.toolCalls ?? [];
  let content = given;
  if (toolCalls.length > 0 && !content.includes(CALL_OPEN)) {
    content = calls(toolCalls) + (trim(content) === "" ? "" : "\n") + content;
  }
  const thinking = message.thinking ?? "";
  if (writesThinking && thinking !== "" && !content.includes("</think>")) {
    content = `<think>${thinking}</think>${content}`;
  }
  return content;
}

function lfm2Renderer(name: string, isThinking: boolean): Renderer {
  return {
    name,
    leadingBos: BOS,
    render(messages, tools, think) {
      const hasSystem = messages[0]?.role === "system";
      const images = new ImageTags();
      if (hasSystem && messages[0] !== undefined) images.content(messages[0]); // its images still count
      let system = hasSystem ? (messages[0]?.content ?? "") : "";
      if (tools.length > 0) system += (system === "" ? "" : "\n") + toolList(tools);
      let text = BOS + (system === "" ? "" : `<|im_start|>system\n${system}<|im_end|>\n`);
      const rest = hasSystem ? messages.slice(1) : messages;
      const keepsThinking = isThinking && think.set && think.on;
      const lastAssistant = rest.findLastIndex((message) => message.role === "assistant");
      rest.forEach((message, index) => {
        let content = images.content(message);
        if (message.role === "assistant") {
          content = assistantContent(message, content, isThinking);
          const close = content.lastIndexOf("</think>");
          if (!keepsThinking && index !== lastAssistant && close !== -1) {
            content = trim(content.slice(close + "</think>".length));
          }
        }
        if (message.role === "tool" && !content.includes(RESPONSE_OPEN)) {
          content = `${RESPONSE_OPEN}${content}<|tool_response_end|>`;
        }
        const continues = message.role === "assistant" && index === rest.length - 1;
        text += `<|im_start|>${message.role}\n${content}${continues ? "" : "<|im_end|>\n"}`;
      });
      return messages.at(-1)?.role === "assistant" ? text : `${text}<|im_start|>assistant\n`;
    },
  };
}

export const lfm2 = lfm2Renderer("lfm2", false);
export const lfm2Thinking = lfm2Renderer("lfm2-thinking", true);
