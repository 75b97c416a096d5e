// The input items of a response request → chat messages (spec 3.15). Reasoning joins the assistant message that follows it, calls
// join the one before them.

import { decodeValue } from "../../../api/decode.ts";
import { InputItem, InputPart } from "../../../api/openai/responses.ts";
import { AppError } from "../../../base/errors.ts";
import type { ChatMessage } from "../../../chat/message.ts";
import { imageData, parseArguments } from "./message-content.ts";

type Item = Readonly<Record<string, unknown>>;

export function inputMessages(input: unknown): ChatMessage[] {
  if (input === undefined || input === null || input === "") return [];
  if (typeof input === "string") return [{ role: "user", content: input }];
  if (!Array.isArray(input)) throw new AppError("invalid", "input must be a string or array");
  const gathered = new Gathering();
  input.forEach((item: unknown, index) => at(`input[${index}]`, () => gathered.add(item, input[index + 1])));
  return gathered.finish();
}

/** Errors say where they stand: "input[0]: content[2]: …". */
function at<T>(place: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof AppError) throw new AppError(error.fault, `${place}: ${error.message}`, { cause: error });
    throw error;
  }
}

function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

class Gathering {
  readonly #messages: ChatMessage[] = [];
  readonly #names = new Map<string, string>();
  #thinking = "";

  add(sent: unknown, following: unknown): void {
    if (!isItem(sent)) throw new AppError("invalid", "an input item must be an object");
    const item: Item = decodeValue(InputItem, sent);
    const type = textOf(item["type"]) || (textOf(item["role"]) === "" ? "" : "message");
    switch (type) {
      case "message":
        return this.#message(item, following);
      case "function_call":
        return this.#call(item);
      case "function_call_output":
        return this.#result(item);
      case "reasoning":
        this.#thinking = textOf(item["encrypted_content"]) || summaryOf(item["summary"]);
        return;
      case "web_search_call":
        return;
      case "":
        throw new AppError("invalid", "input item missing required 'type' field");
      default:
        throw new AppError("invalid", `unknown input item type: ${JSON.stringify(type)}`);
    }
  }

  finish(): ChatMessage[] {
    if (this.#thinking !== "") this.#messages.push({ role: "assistant", content: "", ...this.#takeThinking() });
    return this.#messages;
  }

  #takeThinking(): { thinking?: string } {
    const thinking = this.#thinking;
    this.#thinking = "";
    return thinking === "" ? {} : { thinking };
  }

  #message(item: Item, following: unknown): void {
    const sent = textOf(item["role"]).toLowerCase();
    const role = sent === "developer" ? "system" : sent;
    const { text, images } = contentOf(item["content"], "content");
    const message: ChatMessage = { role, content: text, ...(images.length === 0 ? {} : { images }) };
    if (role !== "assistant") return void this.#messages.push(message);
    Object.assign(message, this.#takeThinking());
    // Clients replay an assistant's text between its call and the result; the result must stand right behind the call.
    const last = this.#messages.at(-1);
    const answered =
      isItem(following) && following["type"] === "function_call_output" ? following["call_id"] : undefined;
    if (last?.role === "assistant" && last.toolCalls?.some(({ id }) => id === answered) === true) {
      last.content = [last.content, text].filter(Boolean).join("\n");
      if (message.thinking !== undefined) last.thinking = message.thinking;
      return;
    }
    this.#messages.push(message);
  }

  #call(item: Item): void {
    const id = textOf(item["call_id"]);
    const name = textOf(item["name"]);
    const args = parseArguments(textOf(item["arguments"]), "failed to parse function call arguments");
    this.#names.set(id, name);
    let last = this.#messages.at(-1);
    if (last?.role !== "assistant") {
      last = { role: "assistant", content: "" };
      this.#messages.push(last);
    }
    last.toolCalls = [...(last.toolCalls ?? []), { id, name, arguments: args }];
    Object.assign(last, this.#takeThinking());
  }

  #result(item: Item): void {
    const toolCallId = textOf(item["call_id"]);
    const { text, images } = contentOf(item["output"], "output");
    const toolName = this.#names.get(toolCallId);
    this.#messages.push({
      role: "tool",
      content: text,
      toolCallId,
      ...(toolName === undefined ? {} : { toolName }),
      ...(images.length === 0 ? {} : { images }),
    });
  }
}

function summaryOf(summary: unknown): string {
  return Array.isArray(summary)
    ? summary
        .filter(isItem)
        .map(({ text }) => textOf(text))
        .join("\n")
    : "";
}

function contentOf(content: unknown, field: string): { text: string; images: string[] } {
  if (content === undefined || content === null) return { text: "", images: [] };
  if (typeof content === "string") return { text: content, images: [] };
  if (!Array.isArray(content)) throw new AppError("invalid", `${field} must be a string or array`);
  let text = "";
  const images: string[] = [];
  content.forEach((part: unknown, index) =>
    at(`${field}[${index}]`, () => {
      const { type, ...rest }: Item = isItem(part) ? decodeValue(InputPart, part) : {};
      if (type === "input_text" || type === "output_text" || type === "refusal") {
        text += textOf(rest["text"] ?? rest["refusal"]);
      } else if (type === "input_image") {
        if (textOf(rest["image_url"]) !== "") images.push(imageData(textOf(rest["image_url"])));
      } else if (type === "input_file") {
        throw new AppError("invalid", "file inputs are not currently supported");
      } else throw new AppError("invalid", `unknown content type: ${textOf(type)}`);
    }),
  );
  return { text, images };
}
