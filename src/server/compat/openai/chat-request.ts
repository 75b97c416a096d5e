// A chat completion request → a question (spec 3.04–3.08). Pure. What cannot be honoured is refused and says so.

import type { ChatCompletionRequest } from "../../../api/openai/chat.ts";
import { AppError } from "../../../base/errors.ts";
import type { ToolDefinition } from "../../../chat/message.ts";
import type { ToolChoice } from "../../../inference/model.ts";
import type { ChatDraft } from "../../chat-draft.ts";
import { askSettings, checkTopLogprobs } from "../../request-settings.ts";
import { toolDefinition } from "../../routes/chat.ts";
import { thinkOfEffort } from "./effort.ts";
import { chatMessages } from "./message-content.ts";
import { logitBias, stopWords, wireOptions } from "./sampling.ts";

export function chatDraft(request: ChatCompletionRequest): ChatDraft {
  refuseUnsupported(request);
  const messages = request.messages ?? [];
  if (messages.length === 0) throw new AppError("invalid", "[] is too short - 'messages'");
  checkTopLogprobs(request.top_logprobs);
  const maxTokens = request.max_completion_tokens ?? request.max_tokens;
  const chosen = chooseTools((request.tools ?? []).map(toolDefinition), request.tool_choice);
  return {
    ...askSettings({
      options: wireOptions(request, maxTokens, stopWords(request.stop)),
      format: formatOf(request.response_format),
      keep_alive: request.keep_alive,
      logprobs: request.logprobs,
      top_logprobs: request.top_logprobs,
    }),
    logitBias: logitBias(request.logit_bias),
    messages: chatMessages(messages),
    ...chosen,
    parallelToolCalls: request.parallel_tool_calls ?? true,
    think: thinkOfEffort(request.reasoning?.effort ?? request.reasoning_effort ?? ""),
    relaxThinking: false,
  };
}

function refuseUnsupported({
  functions,
  function_call,
  modalities,
  audio,
  web_search_options,
}: ChatCompletionRequest): void {
  const refuse = (message: string): never => {
    throw new AppError("invalid", message);
  };
  if (Array.isArray(functions) && functions.length > 0) refuse("functions is not supported: use tools");
  if (function_call !== undefined && !["", "none", "auto"].includes(function_call as string)) {
    refuse("function_call is not supported: use tool_choice");
  }
  const onlyText =
    modalities === undefined || (Array.isArray(modalities) && modalities.every((each) => each === "text"));
  if (!onlyText || audio !== undefined) refuse('answers in audio are not supported: modalities can only be ["text"]');
  if (web_search_options !== undefined)
    refuse("web_search_options is not supported: this server does not search the web");
}

function formatOf(format: ChatCompletionRequest["response_format"]): unknown {
  const type = (format?.type ?? "").trim().toLowerCase();
  switch (type) {
    case "":
    case "text":
      return undefined;
    case "json_object":
      return "json";
    case "json_schema":
      return format?.json_schema?.schema ?? "json";
    default:
      throw new AppError("invalid", `response_format: unknown type ${JSON.stringify(format?.type)}`);
  }
}

export interface ChosenTools {
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
}

/**
 * `tool_choice` in the forms of chat completions and responses: named functions nest in one and are flat in the other. "any" is
 * what Mistral and Anthropic call "required", "" what clients send that leave nothing out.
 */
export function chooseTools(tools: readonly ToolDefinition[], choice: unknown): ChosenTools {
  if (choice === undefined || choice === null || choice === "" || choice === "auto")
    return { tools, toolChoice: "auto" };
  if (choice === "none" || choice === "required") return { tools, toolChoice: choice };
  if (choice === "any") return { tools, toolChoice: "required" };
  const { type, name, ...more } = record(choice);
  if (type === "function") return { tools, toolChoice: { name: nameIn(name ?? record(more["function"])["name"]) } };
  if (type === "allowed_tools") {
    const allowed = record(more["allowed_tools"] ?? more);
    const names = (Array.isArray(allowed["tools"]) ? allowed["tools"] : []).map((tool: unknown) => {
      const given = record(tool);
      return nameIn(given["name"] ?? record(given["function"])["name"]);
    });
    const left = tools.filter((tool) => names.includes(tool.function.name));
    return { tools: left, toolChoice: allowed["mode"] === "required" ? "required" : "auto" };
  }
  throw unknownChoice();
}

function unknownChoice(): AppError {
  return new AppError(
    "invalid",
    'tool_choice must be "none", "auto", "required", a function by name, or allowed_tools of functions',
  );
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unknownChoice();
  return value as Record<string, unknown>;
}

function nameIn(value: unknown): string {
  if (typeof value !== "string" || value === "") throw unknownChoice();
  return value;
}
