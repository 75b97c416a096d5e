// OpenAI messages → chat messages (spec 3.06, 3.07). The text parts of a message stay one message, joined by line breaks; real
// Ollama makes each a message of its own and loses tool_call_id on the way.

import type { ChatCompletionMessage, ChatToolCall } from "../../../api/openai/chat.ts";
import { AppError } from "../../../base/errors.ts";
import type { ChatMessage, MessageToolCall } from "../../../chat/message.ts";
import { goTypeName } from "./sampling.ts";

const IMAGE_TYPES = ["jpeg", "jpg", "png", "webp"];

export function chatMessages(messages: readonly ChatCompletionMessage[]): ChatMessage[] {
  return messages.map((message) => chatMessage(message, messages));
}

function chatMessage(message: ChatCompletionMessage, all: readonly ChatCompletionMessage[]): ChatMessage {
  const sentRole = (message.role ?? "").toLowerCase();
  const { text, images } = contentOf(message);
  const thinking = message.reasoning ?? message.reasoning_content ?? "";
  const toolName = sentRole === "tool" ? message.name || nameOfCall(all, message.tool_call_id) : "";
  return {
    // "developer" is OpenAI's newer word for it; no model's template knows that one.
    role: sentRole === "developer" ? "system" : sentRole,
    content: text,
    ...(thinking === "" ? {} : { thinking }),
    ...(images.length === 0 ? {} : { images }),
    ...(toolName === "" ? {} : { toolName }),
    ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
    ...((message.tool_calls ?? []).length === 0 ? {} : { toolCalls: (message.tool_calls ?? []).map(toolCall) }),
  };
}

function contentOf({ content, tool_calls }: ChatCompletionMessage): { text: string; images: string[] } {
  if (typeof content === "string") return { text: content, images: [] };
  if (!Array.isArray(content)) {
    const isAbsent = content === undefined || content === null;
    if (isAbsent && tool_calls !== undefined) return { text: "", images: [] };
    throw new AppError("invalid", `invalid message content type: ${goTypeName(content)}`);
  }
  const texts: string[] = [];
  const images: string[] = [];
  for (const part of content as unknown[]) {
    const { type } = fields(part);
    if (type === "text" || type === "refusal") texts.push(text(fields(part)[type]));
    else if (type === "image_url") images.push(imageOf(fields(part)["image_url"]));
    else if (type === "input_audio") images.push(audioOf(fields(part)["input_audio"]));
    else throw invalidFormat();
  }
  return { text: texts.join("\n"), images };
}

function invalidFormat(): AppError {
  return new AppError("invalid", "invalid message format");
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidFormat();
  return value as Record<string, unknown>;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw invalidFormat();
  return value;
}

function imageOf(value: unknown): string {
  return imageData(typeof value === "string" ? value : text(fields(value)["url"]));
}

/** The base64 text of a data URI. */
export function imageData(url: string): string {
  if (url.startsWith("http://") || url.startsWith("https://")) {
    throw new AppError("invalid", "image URLs are not currently supported, please use base64 encoded data instead");
  }
  const prefixes = ["data:;base64,", ...IMAGE_TYPES.map((type) => `data:image/${type};base64,`)];
  const prefix = prefixes.find((each) => url.startsWith(each));
  const data = prefix === undefined ? undefined : url.slice(prefix.length);
  if (data === undefined || !isBase64(data)) throw new AppError("invalid", "invalid image input");
  return data;
}

function audioOf(value: unknown): string {
  if (typeof value !== "object" || value === null) throw new AppError("invalid", "invalid input_audio format");
  const data = "data" in value ? value.data : undefined;
  if (typeof data !== "string") throw new AppError("invalid", "invalid input_audio format: missing data");
  if (!isBase64(data)) throw new AppError("invalid", "invalid input_audio base64 data: illegal base64 data");
  return data;
}

function isBase64(data: string): boolean {
  return data.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(data);
}

function toolCall(call: ChatToolCall): MessageToolCall {
  return {
    ...(call.id === undefined || call.id === "" ? {} : { id: call.id }),
    name: call.function?.name ?? "",
    arguments: parseArguments(call.function?.arguments ?? "", "invalid tool call arguments"),
  };
}

/** "" is what some models' clients send for no arguments. */
export function parseArguments(json: string, message: string): Record<string, unknown> {
  if (json.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new AppError("invalid", message, { cause: error });
  }
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new AppError("invalid", message);
  return value as Record<string, unknown>;
}

/** The last call with this id wins, as in Ollama. */
function nameOfCall(messages: readonly ChatCompletionMessage[], id: string | undefined): string {
  if (id === undefined || id === "") return "";
  const call = messages.flatMap(({ tool_calls }) => tool_calls ?? []).findLast((each) => each.id === id);
  return call?.function?.name ?? "";
}
