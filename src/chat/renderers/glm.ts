// glm-4.7 and glm-ocr (Ollama: model/renderers/glm47.go, glmocr.go).

import { trim } from "../families/whitespace.ts";
import type { ChatMessage, MessageToolCall, ToolDefinition } from "../message.ts";
import { jsonArgument } from "./call-argument.ts";
import { spacedJson } from "./go-json.ts";
import { ImageTags } from "./image-tags.ts";
import type { Renderer } from "./renderer.ts";
import { toolJson } from "./tool-schema.ts";

function declarations(tools: readonly ToolDefinition[]): string {
  if (tools.length === 0) return "";
  return (
    "<|system|>\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n" +
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n" +
    tools.map((tool) => `${spacedJson(toolJson(tool))}\n`).join("") +
    "</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n" +
    "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value><arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>"
  );
}

function toolCall({ name, arguments: args }: MessageToolCall): string {
  const pairs = Object.entries(args).map(
    ([key, value]) => `<arg_key>${key}</arg_key><arg_value>${jsonArgument(value)}</arg_value>`,
  );
  return `<tool_call>${name}${pairs.join("")}</tool_call>`;
}

function observation(messages: readonly ChatMessage[], index: number): string {
  return messages[index - 1]?.role === "tool" ? "" : "<|observation|>";
}

export const glm47: Renderer = {
  name: "glm-4.7",
  leadingBos: "",
  render(messages, tools, think) {
    let text = `[gMASK]<sop>${declarations(tools)}`;
    messages.forEach((message, index) => {
      const { role, content, thinking } = message;
      if (role === "user") text += `<|user|>${content}`;
      else if (role === "system") text += `<|system|>${content}`;
      else if (role === "tool") text += `${observation(messages, index)}<tool_response>${content}</tool_response>`;
      else if (role === "assistant") {
        const block = (thinking ?? "") === "" ? "</think>" : `<think>${thinking ?? ""}</think>`;
        text += `<|assistant|>${block}${content}${(message.toolCalls ?? []).map(toolCall).join("")}`;
      }
    });
    return `${text}<|assistant|>${!think.set || think.on ? "<think>" : "</think>"}`;
  },
};

export const glmOcr: Renderer = {
  name: "glm-ocr",
  leadingBos: "",
  render(messages, tools, think) {
    const off = think.set && !think.on;
    const images = new ImageTags();
    let text = `[gMASK]<sop>${declarations(tools)}`;
    messages.forEach((message, index) => {
      const { role, content, thinking } = message;
      if (role === "user") {
        text += `<|user|>\n${images.content(message)}${off && !content.endsWith("/nothink") ? "/nothink" : ""}`;
      } else if (role === "system") {
        text += `<|system|>\n${content}\n`;
      } else if (role === "tool") {
        text += `${observation(messages, index)}\n<tool_response>\n${images.content(message)}\n</tool_response>\n`;
      } else if (role === "assistant") {
        const calls = (message.toolCalls ?? []).map((call) => `\n${toolCall(call)}`).join("");
        text += `<|assistant|>\n<think>${trim(thinking ?? "")}</think>`;
        text += `${content === "" ? "" : `\n${trim(content)}`}${calls}\n`;
      }
    });
    return `${text}<|assistant|>\n${off ? "<think></think>\n" : ""}`;
  },
};
