// qwen3.5, its variant ornith, and qwen3.8 with its reasoning efforts (Ollama: model/renderers/qwen35.go, ornith.go).

import { AppError } from "../../base/errors.ts";
import { trim } from "../families/whitespace.ts";
import type { ChatMessage, ToolDefinition } from "../message.ts";
import { elementArgument } from "./call-argument.ts";
import { spacedJson } from "./go-json.ts";
import { ImageTags } from "./image-tags.ts";
import { CODER_INSTRUCTIONS, toolResponses } from "./qwen3-coder.ts";
import { isToolResponse, lastQuery } from "./qwen3-vl.ts";
import type { Renderer, Think } from "./renderer.ts";
import { toolJson } from "./tool-schema.ts";

const XHIGH =
  "Reasoning effort is set to xhigh. Please think carefully through the task, validate key assumptions, consider plausible alternatives, and prioritize correctness, consistency, and clarity in the final answer.";
const LOW =
  "Reasoning effort is set to low. Keep your thinking brief and focused, moving directly to the conclusion without unnecessary elaboration.";

interface Variant {
  name: string;
  is38: boolean;
  /** Assistant turns always carry a thinking block, empty where nothing was thought. */
  alwaysBlock: boolean;
}

function effort(think: Think): string {
  if (!think.set) return XHIGH;
  if (!think.on) return "";
  // A plain true counts as medium.
  if (think.level === "low") return LOW;
  return think.level === "high" || think.level === "max" ? XHIGH : "";
}

/** Qwen 3.8 takes one leading system turn and knows no developer role. */
function foldInstructions(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const isInstruction = (message: ChatMessage): boolean => message.role === "system" || message.role === "developer";
  const instructions = messages.filter(isInstruction);
  for (const message of instructions) {
    if ((message.images?.length ?? 0) > 0)
      throw new AppError("internal", `${message.role} message cannot contain images`);
  }
  if (instructions.length === 0 || (instructions.length === 1 && messages[0]?.role === "system")) return messages;
  const content = instructions.map((message) => trim(message.content)).filter((text) => text !== "");
  return [{ role: "system", content: content.join("\n\n") }, ...messages.filter((message) => !isInstruction(message))];
}

function checkHasQuery(messages: readonly ChatMessage[]): void {
  if (messages.length === 0) throw new AppError("internal", "no messages provided");
  const images = new ImageTags();
  const isQuery = (message: ChatMessage): boolean =>
    message.role === "user" && !isToolResponse(trim(images.content(message)));
  if (!messages.some(isQuery)) throw new AppError("internal", "no user query found in messages");
}

function system(
  messages: readonly ChatMessage[],
  tools: readonly ToolDefinition[],
  instructions: string,
  is38: boolean,
): string {
  const content = messages[0]?.role === "system" ? trim(new ImageTags().content(messages[0])) : undefined;
  if (tools.length > 0) {
    return (
      `<|im_start|>system\n${instructions === "" ? "" : `${instructions}\n\n`}` +
      "# Tools\n\nYou have access to the following functions:\n\n<tools>" +
      tools.map((tool) => `\n${spacedJson(toolJson(tool))}`).join("") +
      `\n</tools>${CODER_INSTRUCTIONS}` +
      `${(content ?? "") === "" ? "" : `\n\n${content ?? ""}`}<|im_end|>\n`
    );
  }
  const parts = [instructions, content ?? ""].filter((part) => part !== "");
  const empty = content === undefined ? instructions === "" : is38 && parts.length === 0;
  return empty ? "" : `<|im_start|>system\n${parts.join("\n\n")}<|im_end|>\n`;
}

function splitThinking(
  content: string,
  thinking: string,
  showsBlock: boolean,
  fromContent: boolean,
): { thinking: string; rest: string } {
  if (showsBlock && thinking !== "") return { thinking: trim(thinking), rest: content };
  const close = fromContent ? content.indexOf("</think>") : -1;
  if (close === -1) return { thinking: "", rest: content };
  const before = content.slice(0, close);
  const open = before.lastIndexOf("<think>");
  return {
    thinking: trim(open === -1 ? before : before.slice(open + "<think>".length)),
    rest: content.slice(close + "</think>".length).replace(/^\n+/, ""),
  };
}

function assistant(message: ChatMessage, content: string, showsBlock: boolean, is38: boolean): string {
  const { thinking, rest } = splitThinking(content, message.thinking ?? "", showsBlock, !is38);
  let text = `<|im_start|>assistant\n${showsBlock ? `<think>\n${thinking}\n</think>\n\n` : ""}${rest}`;
  (message.toolCalls ?? []).forEach((call, index) => {
    if (index > 0) text += "\n";
    else if (trim(rest) !== "") text += "\n\n";
    text += `<tool_call>\n<function=${call.name}>\n`;
    for (const [name, value] of Object.entries(call.arguments)) {
      text += `<parameter=${name}>\n${elementArgument(value)}\n</parameter>\n`;
    }
    text += "</function>\n</tool_call>";
  });
  return text;
}

function qwen35Renderer({ name, is38, alwaysBlock }: Variant): Renderer {
  return {
    name,
    leadingBos: "",
    render(given, tools, think) {
      const messages = is38 ? foldInstructions(given) : given;
      if (is38) checkHasQuery(messages);
      const thinks = think.set ? think.on : true;
      const images = new ImageTags();
      const contents = messages.map((message) => trim(images.content(message)));
      const query = lastQuery(messages, contents);
      let text = system(messages, tools, is38 ? effort(think) : "", is38);
      messages.forEach((message, index) => {
        const content = contents[index] ?? "";
        const isLast = index === messages.length - 1;
        if (message.role === "assistant") {
          text += assistant(message, content, alwaysBlock || (thinks && index > query), is38);
          if (!isLast) text += "<|im_end|>\n";
          return;
        }
        if (message.role === "tool") text += toolResponses(messages, index, content);
        else if (message.role === "user" || (message.role === "system" ? index !== 0 : is38)) {
          text += `<|im_start|>${message.role}\n${content}<|im_end|>\n`;
        }
        if (isLast) text += `<|im_start|>assistant\n<think>\n${thinks ? "" : "\n</think>\n\n"}`;
      });
      return text;
    },
  };
}

export const qwen35 = qwen35Renderer({ name: "qwen3.5", is38: false, alwaysBlock: false });
export const qwen38 = qwen35Renderer({ name: "qwen3.8", is38: true, alwaysBlock: true });
export const ornith = qwen35Renderer({ name: "ornith", is38: false, alwaysBlock: true });
