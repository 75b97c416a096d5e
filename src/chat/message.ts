// A chat message as renderers and parsers see it: the wire shape of Ollama's api.Message with camel-case names. Arguments keep
// the order in which the caller wrote them (apart from integer-like keys, which JavaScript objects put first).

export interface MessageToolCall {
  id?: string;
  name: string;
  arguments: Record<string, unknown>;
}

export interface ChatMessage {
  role: string;
  content: string;
  thinking?: string;
  toolCalls?: MessageToolCall[];
  toolName?: string;
  toolCallId?: string;
  images?: readonly string[];
}

export interface ToolDefinition {
  type: "function";
  function: {
    name: string;
    description?: string;
    /** A JSON schema; untrusted, so read it through `families/typed-value.ts` or `renderers/tool-json.ts`. */
    parameters?: Record<string, unknown>;
  };
}

/** Whether the last message is an assistant turn that the model is asked to continue. */
export function isPrefill(lastMessage: ChatMessage | undefined): boolean {
  return lastMessage?.role === "assistant" && lastMessage.content !== "";
}
