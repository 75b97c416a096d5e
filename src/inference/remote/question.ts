// What is asked of an engine elsewhere, after the model's own SYSTEM, MESSAGEs and PARAMETERs have been laid under the request.

import type { ModelOptions } from "../../api/schema/options.ts";
import type { Think } from "../../chat/dialog-format.ts";
import type { ChatMessage, ToolDefinition } from "../../chat/message.ts";
import type { AskSettings, ToolChoice } from "../model.ts";

interface RemoteSettings extends Pick<AskSettings, "format" | "logitBias" | "logprobs" | "truncate" | "shift"> {
  readonly model: string;
  readonly options: ModelOptions;
}

export interface RemoteChat extends RemoteSettings {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  readonly parallelToolCalls: boolean;
  readonly think: Think;
}

/** Text to go on with, as it stands. */
export interface RemoteText extends RemoteSettings {
  readonly prompt: string;
  readonly suffix: string;
}

/** A prompt for an Ollama, which renders it itself. */
export interface RemotePrompt extends RemoteText {
  readonly system: string;
  readonly template: string | undefined;
  readonly context: readonly number[] | undefined;
  readonly images?: readonly string[];
  readonly think: Think;
}
