// Reads what test/fixtures/gotemplate/main.go recorded from Ollama, and the conversations it was recorded with.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Message, Tool } from "../../../src/chat/go-template/message.ts";
import type { RenderInput } from "../../../src/chat/go-template/render-go-template.ts";

interface WireMessage {
  role: string;
  content: string;
  thinking?: string;
  images?: string[];
  tool_calls?: NonNullable<Message["toolCalls"]>;
  tool_name?: string;
  tool_call_id?: string;
}

interface WireConversation {
  name: string;
  messages: WireMessage[];
  tools?: Tool[];
  prompt?: string;
  suffix?: string;
  think?: { set: boolean; on: boolean; level?: string };
}

export interface Conversation extends RenderInput {
  readonly name: string;
}

export interface Recorded {
  output?: string;
  error?: string;
  /** Ollama itself crashed. */
  panics?: boolean;
}

const fixtures = join(import.meta.dir, "../../fixtures/gotemplate");

export function readFixture(name: string): unknown {
  return JSON.parse(readFileSync(join(fixtures, name), "utf8"));
}

export function readLines<T>(name: string): T[] {
  const lines = readFileSync(join(fixtures, name), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as T);
}

export function templateKey(source: string): string {
  return createHash("sha256").update(source).digest("hex").slice(0, 16);
}

function message(wire: WireMessage): Message {
  return {
    role: wire.role,
    content: wire.content,
    ...(wire.thinking === undefined ? {} : { thinking: wire.thinking }),
    ...(wire.images === undefined ? {} : { images: wire.images.map((image) => Buffer.from(image, "base64")) }),
    ...(wire.tool_calls === undefined ? {} : { toolCalls: wire.tool_calls }),
    ...(wire.tool_name === undefined ? {} : { toolName: wire.tool_name }),
    ...(wire.tool_call_id === undefined ? {} : { toolCallId: wire.tool_call_id }),
  };
}

export function readConversations(): Conversation[] {
  const wire = readFixture("conversations.json") as WireConversation[];
  return wire.map(({ messages, ...rest }) => {
    return { ...rest, messages: messages.map(message) };
  });
}
