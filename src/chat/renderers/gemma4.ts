// gemma4, gemma4-small and gemma4-large (Ollama: model/renderers/gemma4.go). Results of calls are folded into the turn of the
// model that called, and assistant messages in a row continue one turn.

import { trim } from "../families/whitespace.ts";
import type { ChatMessage, MessageToolCall } from "../message.ts";
import { bracedValue } from "./braced-text.ts";
import { gemma4Declaration } from "./gemma4-schema.ts";
import { ImageTags } from "./image-tags.ts";
import type { Renderer } from "./renderer.ts";

const VALUES = { quote: '<|"|>', nullText: "null" } as const;
const CHANNEL = "<|channel>thought\n";

/** Content without the thinking channels that a client may have left in it. */
function withoutChannels(content: string): string {
  let text = "";
  let rest = content;
  for (;;) {
    const start = rest.indexOf("<|channel>");
    if (start === -1) return trim(text + rest);
    text += rest.slice(0, start);
    const end = rest.indexOf("<channel|>", start);
    if (end === -1) return trim(text);
    rest = rest.slice(end + "<channel|>".length);
  }
}

function resultName(message: ChatMessage, calls: readonly MessageToolCall[]): string {
  const id = message.toolCallId ?? "";
  const caller = id === "" ? undefined : calls.find((call) => call.id === id);
  const name = message.toolName ?? "";
  return caller?.name ?? (name === "" ? "unknown" : name);
}

interface Turn {
  text: string;
  /** What the turn ended with, which decides how generation goes on. */
  ended: "" | "tool_call" | "tool_response";
}

class Gemma4Prompt {
  readonly #images = new ImageTags();
  readonly #lastUser: number;

  constructor(private readonly messages: readonly ChatMessage[]) {
    this.#lastUser = messages.findLastIndex((message) => message.role === "user");
  }

  turns(): Turn {
    let text = "";
    let ended: Turn["ended"] = "";
    let previousRole = "";
    this.messages.forEach((message, index) => {
      if (message.role === "tool") return;
      const role = message.role === "assistant" ? "model" : message.role;
      if (role !== "model" || previousRole !== "assistant") text += `<|turn>${role}\n`;
      const turn = this.#turn(message, index);
      text += turn.text;
      ended = turn.ended;
      previousRole = message.role;
    });
    return { text, ended };
  }

  #turn(message: ChatMessage, index: number): Turn {
    const isModel = message.role === "assistant";
    const calls = message.toolCalls ?? [];
    let text = "";
    if (isModel && (message.thinking ?? "") !== "" && index > this.#lastUser) {
      text += `${CHANNEL}${message.thinking ?? ""}\n<channel|>`;
    }
    for (const call of calls) text += `<|tool_call>call:${call.name}${bracedValue(call.arguments, VALUES)}<tool_call|>`;
    const responses = calls.length === 0 ? "" : this.#responses(index, calls);
    text += responses;
    const content = isModel ? withoutChannels(message.content) : trim(message.content);
    text += this.#images.content({ ...message, content });
    const hasContent = content !== "" || (message.images?.length ?? 0) > 0;
    const ended = responses !== "" ? "tool_response" : calls.length > 0 ? "tool_call" : "";
    return { text: text + this.#end(ended, index, isModel, hasContent), ended };
  }

  #responses(index: number, calls: readonly MessageToolCall[]): string {
    let text = "";
    for (let at = index + 1; this.messages[at]?.role === "tool"; at++) {
      const message = this.messages[at];
      if (message === undefined) break;
      const value = bracedValue(this.#images.content(message), VALUES);
      text += `<|tool_response>response:${resultName(message, calls)}{value:${value}}<tool_response|>`;
    }
    return text;
  }

  #end(ended: Turn["ended"], index: number, isModel: boolean, hasContent: boolean): string {
    if (ended === "tool_call") return "<|tool_response>";
    const next = this.messages.slice(index + 1).find((message) => message.role !== "tool")?.role;
    const goesOn = isModel && next === "assistant";
    const awaitsAnswer = ended === "tool_response" && !hasContent && next === undefined;
    return goesOn || awaitsAnswer ? "" : "<turn|>\n";
  }
}

function gemma4Renderer(name: string, isLarge: boolean): Renderer {
  return {
    name,
    leadingBos: "<bos>",
    render(messages, tools, think) {
      const hasSystem = messages[0]?.role === "system" || messages[0]?.role === "developer";
      const thinks = think.set && think.on;
      let text = "<bos>";
      if (hasSystem || tools.length > 0 || thinks) {
        const system = hasSystem ? trim(messages[0]?.content ?? "") : "";
        text += `<|turn>system\n${thinks ? "<|think|>\n" : ""}${system}${tools.map(gemma4Declaration).join("")}<turn|>\n`;
      }
      const turns = new Gemma4Prompt(hasSystem ? messages.slice(1) : messages).turns();
      text += turns.text;
      if (turns.ended === "tool_response") return thinks ? text + CHANNEL : text;
      if (turns.ended === "tool_call") return text;
      // Large models think unless shown an empty channel.
      return `${text}<|turn>model\n${isLarge && !thinks ? `${CHANNEL}<channel|>` : ""}`;
    },
  };
}

export const gemma4 = gemma4Renderer("gemma4", false);
export const gemma4Small = gemma4Renderer("gemma4-small", false);
export const gemma4Large = gemma4Renderer("gemma4-large", true);
