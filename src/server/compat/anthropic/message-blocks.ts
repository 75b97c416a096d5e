// Anthropic messages → chat messages (spec 3.20). A message becomes at most one of its own role, and one "tool" message for each
// result, which stand before the user's text. Blocks of an unknown kind are passed over, as in Ollama.

import { type AnthropicMessage, type AnthropicTool, ContentBlock } from "../../../api/anthropic.ts";
import { decodeValue } from "../../../api/decode.ts";
import { AppError } from "../../../base/errors.ts";
import type { ChatMessage, MessageToolCall } from "../../../chat/message.ts";

type Block = Readonly<Record<string, unknown>>;

interface Gathered {
  text: string;
  thinking: string;
  readonly images: string[];
  readonly calls: MessageToolCall[];
  readonly results: ChatMessage[];
}

export function anthropicMessages(messages: readonly AnthropicMessage[]): ChatMessage[] {
  const names = new Map<string, string>();
  return messages.flatMap((message) => {
    const role = (message.role ?? "").toLowerCase();
    const found = gather(blocksOf(message.content), names);
    const own: ChatMessage = {
      role,
      content: found.text,
      ...(found.thinking === "" ? {} : { thinking: found.thinking }),
      ...(found.images.length === 0 ? {} : { images: found.images }),
      ...(found.calls.length === 0 ? {} : { toolCalls: found.calls }),
    };
    const said = Object.keys(own).length === 2 && own.content === "" ? [] : [own];
    // A user's text comes after the results it brings; an assistant's results, of a server's tools, follow its own call.
    return role === "user" ? [...found.results, ...said] : [...said, ...found.results];
  });
}

function isBlock(value: unknown): value is Block {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Content as blocks: a text alone is one text block. */
export function blocksOf(content: unknown): readonly Block[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content) || !content.every(isBlock)) {
    throw new AppError("invalid", "message content must be a text or a list of blocks");
  }
  return content.map((block) => decodeValue(ContentBlock, block));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function gather(blocks: readonly Block[], names: Map<string, string>): Gathered {
  const found: Gathered = { text: "", thinking: "", images: [], calls: [], results: [] };
  for (const block of blocks) {
    switch (block["type"]) {
      case "text":
        found.text += textOf(block["text"]);
        break;
      case "thinking":
        found.thinking = textOf(block["thinking"]);
        break;
      case "image":
        found.images.push(imageOf(block["source"], "invalid image source"));
        break;
      case "document":
        found.text += documentText(block);
        break;
      case "tool_use":
      case "server_tool_use":
        found.calls.push(callOf(block, names));
        break;
      case "tool_result":
        found.results.push(resultOf(block, names));
        break;
      case "web_search_tool_result":
        found.results.push(toolMessage(block, searchText(block["content"]), [], names));
        break;
    }
  }
  return found;
}

function callOf(block: Block, names: Map<string, string>): MessageToolCall {
  const id = textOf(block["id"]);
  const name = textOf(block["name"]);
  for (const [field, value] of [["id", id] as const, ["name", name] as const]) {
    if (value === "" && block["type"] === "tool_use") {
      throw new AppError("invalid", `tool_use block missing required '${field}' field`);
    }
  }
  names.set(id, name);
  const input = block["input"];
  return { id, name, arguments: isBlock(input) ? { ...input } : {} };
}

function toolMessage(block: Block, content: string, images: string[], names: Map<string, string>): ChatMessage {
  const toolCallId = textOf(block["tool_use_id"]);
  const toolName = names.get(toolCallId);
  return {
    role: "tool",
    content,
    toolCallId,
    ...(toolName === undefined ? {} : { toolName }),
    ...(images.length === 0 ? {} : { images }),
  };
}

function resultOf(block: Block, names: Map<string, string>): ChatMessage {
  const { content } = block;
  if (!Array.isArray(content)) return toolMessage(block, textOf(content), [], names);
  const parts = content.filter(isBlock);
  const images = parts.filter(({ type }) => type === "image");
  const texts = parts.map((part) =>
    part["type"] === "text" ? textOf(part["text"]) : part["type"] === "document" ? documentText(part) : "",
  );
  return toolMessage(
    block,
    texts.join(""),
    images.map(({ source }) => imageOf(source, "invalid tool_result image source")),
    names,
  );
}

function imageOf(source: unknown, missing: string): string {
  if (!isBlock(source)) throw new AppError("invalid", missing);
  const type = textOf(source["type"]);
  if (type !== "base64") {
    throw new AppError("invalid", `invalid image source type: ${type}. Only base64 images are supported.`);
  }
  const data = textOf(source["data"]);
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) {
    throw new AppError("invalid", "invalid base64 image data: illegal base64 data");
  }
  return data;
}

/** Text documents are part of the text; others would need a reader that is not here. */
function documentText(block: Block): string {
  const { source } = block;
  if (!isBlock(source)) throw new AppError("invalid", "invalid document source");
  if (source["type"] === "text") return textOf(source["data"]);
  if (source["type"] === "content") {
    return blocksOf(source["content"])
      .map((part) => textOf(part["text"]))
      .join("");
  }
  throw new AppError(
    "invalid",
    `document source type ${JSON.stringify(textOf(source["type"]))} is not supported: only text is`,
  );
}

/** Ollama: anthropic/anthropic.go, formatWebSearchToolResultContent. */
function searchText(content: unknown): string {
  if (typeof content === "string") return content;
  const error = (item: Block) =>
    ["web_search_tool_result_error", textOf(item["error_code"])].filter(Boolean).join(": ");
  if (isBlock(content)) {
    return content["type"] === "web_search_tool_result_error" ? error(content) : JSON.stringify(content);
  }
  if (!Array.isArray(content)) return "";
  const items = content.filter(isBlock);
  const failed = items.find(({ type }) => type === "web_search_tool_result_error");
  if (failed !== undefined) return error(failed);
  return items
    .filter(({ type }) => type === "web_search_result")
    .map((item) => `- ${textOf(item["title"])}: ${textOf(item["url"])}\n`)
    .join("");
}

/** What Ollama guesses for a prompt's tokens until they are counted: a quarter of its bytes. */
export function estimateTokens(
  system: unknown,
  messages: readonly AnthropicMessage[],
  tools: readonly AnthropicTool[],
): number {
  const size = (text: string | undefined) => Buffer.byteLength(text ?? "");
  const json = (value: unknown) => (value === undefined ? 0 : size(JSON.stringify(value)));
  const sizeOf = (block: Block): number => {
    const isTool = block["type"] === "tool_use" || block["type"] === "tool_result";
    return size(textOf(block["text"])) + size(textOf(block["thinking"])) + (isTool ? json(block) : 0);
  };
  const sum = (content: unknown) => blocksOf(content).reduce((total, block) => total + sizeOf(block), 0);
  const said = messages.reduce((total, { role, content }) => total + size(role) + sum(content), 0);
  const told = tools.reduce(
    (total, { name, description, input_schema }) => total + size(name) + size(description) + json(input_schema),
    0,
  );
  return Math.max(1, Math.floor((sum(system) + said + told) / 4));
}
