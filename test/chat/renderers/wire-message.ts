// Messages as the fixtures hold them (Ollama's wire shape) in the shape that renderers take.

import type { ChatMessage } from "../../../src/chat/message.ts";

export interface WireMessage {
  role: string;
  content: string;
  thinking?: string;
  images?: string[];
  tool_calls?: { id?: string; function: { name: string; arguments: Record<string, unknown> } }[];
  tool_name?: string;
  tool_call_id?: string;
}

export function fromWire(message: WireMessage): ChatMessage {
  return {
    role: message.role,
    content: message.content,
    ...(message.thinking === undefined ? {} : { thinking: message.thinking }),
    ...(message.images === undefined ? {} : { images: message.images }),
    ...(message.tool_name === undefined ? {} : { toolName: message.tool_name }),
    ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
    ...(message.tool_calls === undefined
      ? {}
      : {
          toolCalls: message.tool_calls.map((call) => ({
            ...(call.id === undefined ? {} : { id: call.id }),
            name: call.function.name,
            arguments: call.function.arguments,
          })),
        }),
  };
}
