// What a renderer is: messages, tools and the wish to think become the text of a prompt. The texts are those that the models
// were trained on, byte for byte as Ollama writes them (model/renderers); quirks that look odd are theirs.

import type { ChatMessage, ToolDefinition } from "../message.ts";

export interface Think {
  /** Whether the request said anything about thinking. */
  set: boolean;
  on: boolean;
  level?: "low" | "medium" | "high" | "max";
}

export interface Renderer {
  name: string;
  /** The token that the prompt begins with itself, so that the tokenizer must not add another. */
  leadingBos: string;
  render(messages: readonly ChatMessage[], tools: readonly ToolDefinition[], think: Think): string;
}
