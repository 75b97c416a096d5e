// olmo3, olmo3.1 and the Think models (Ollama: model/renderers/olmo3.go, olmo3_think.go).

import type { ChatMessage, ToolDefinition } from "../message.ts";
import { goJson, spacedJson } from "./go-json.ts";
import type { Renderer } from "./renderer.ts";
import { toolJson } from "./tool-schema.ts";

const ABOUT_OLMO =
  "You are Olmo, a helpful AI assistant built by Ai2. Your date cutoff is December 2024, and your model weights are available at https://huggingface.co/allenai.";
const WITH_FUNCTIONS =
  "You are provided with function signatures within <functions></functions> XML tags. You may call one or more functions to assist with the user query. Output any function calls within <function_calls></function_calls> XML tags. Do not make assumptions about what values to plug into functions.";
const NO_FUNCTIONS = "You do not currently have access to any functions. <functions></functions>";

function functions(tools: readonly ToolDefinition[]): string {
  return `<functions>${spacedJson(`[${tools.map(toolJson).join(",")}]`)}</functions>`;
}

function system(given: string | undefined, byDefault: string, tools: readonly ToolDefinition[]): string {
  if (given !== undefined) return given + (tools.length > 0 ? functions(tools) : "");
  return `${byDefault} ${tools.length > 0 ? WITH_FUNCTIONS + functions(tools) : NO_FUNCTIONS}`;
}

function calls(message: ChatMessage): string {
  const lines = (message.toolCalls ?? []).map((call) => {
    const args = Object.keys(call.arguments).sort();
    return `${call.name}(${args.map((name) => `${name}=${goJson(call.arguments[name])}`).join(", ")})`;
  });
  return lines.length === 0 ? "" : `<function_calls>${lines.join("\n")}</function_calls>`;
}

function olmo3Renderer(name: string, defaultSystem: string): Renderer {
  return {
    name,
    leadingBos: "",
    render(messages, tools) {
      const given = messages.find((message) => message.role === "system")?.content;
      const rest = messages.filter((message) => message.role !== "system");
      let text = `<|im_start|>system\n${system(given, defaultSystem, tools)}<|im_end|>\n`;
      rest.forEach((message, index) => {
        const open = index === rest.length - 1 && (message.toolCalls?.length ?? 0) === 0;
        if (message.role === "user") text += `<|im_start|>user\n${message.content}<|im_end|>\n`;
        else if (message.role === "tool") text += `<|im_start|>environment\n${message.content}<|im_end|>\n`;
        else if (message.role === "assistant") {
          text += `<|im_start|>assistant\n${message.content}${calls(message)}${open ? "" : "<|im_end|>\n"}`;
        }
      });
      const last = rest.at(-1);
      const continues = last?.role === "assistant" && (last.toolCalls?.length ?? 0) === 0 && last.content !== "";
      return continues ? text : `${text}<|im_start|>assistant\n`;
    },
  };
}

function olmo3ThinkRenderer(name: string, defaultSystem: string): Renderer {
  return {
    name,
    leadingBos: "",
    render(messages) {
      const given = messages.find((message) => message.role === "system")?.content;
      let text = `<|im_start|>system\n${given === undefined ? defaultSystem : `${given} ${NO_FUNCTIONS}`}<|im_end|>\n`;
      for (const { role, content } of messages) {
        if (role === "user" || role === "assistant") text += `<|im_start|>${role}\n${content}<|im_end|>\n`;
      }
      return `${text}<|im_start|>assistant\n<think>`;
    },
  };
}

export const olmo3 = olmo3Renderer("olmo3", "You are a helpful function-calling AI assistant.");
export const olmo31 = olmo3Renderer("olmo3.1", ABOUT_OLMO);
export const olmo3Think = olmo3ThinkRenderer("olmo3-think", ABOUT_OLMO);
export const olmo332bThink = olmo3ThinkRenderer("olmo3-32b-think", "You are a helpful AI assistant.");
