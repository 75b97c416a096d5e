// A messages request → a question (spec 3.19). Pure.

import type { AnthropicTool, CountTokensRequest, MessagesRequest } from "../../../api/anthropic.ts";
import { AppError } from "../../../base/errors.ts";
import type { ChatMessage, ToolDefinition } from "../../../chat/message.ts";
import type { ToolChoice } from "../../../inference/model.ts";
import type { ChatDraft } from "../../chat-draft.ts";
import { askSettings } from "../../request-settings.ts";
import { anthropicMessages, blocksOf } from "./message-blocks.ts";

export function messagesDraft(request: MessagesRequest): ChatDraft {
  const refuse = (message: string): never => {
    throw new AppError("invalid", message);
  };
  if ((request.model ?? "") === "") refuse("model is required");
  if ((request.max_tokens ?? 0) <= 0) refuse("max_tokens is required and must be positive");
  return promptDraft(request, {
    num_predict: request.max_tokens,
    temperature: request.temperature,
    top_p: request.top_p,
    top_k: request.top_k,
    stop: (request.stop_sequences ?? []).length === 0 ? undefined : request.stop_sequences,
  });
}

/** What both routes share: the prompt and the form of the answer. */
export function promptDraft(request: CountTokensRequest, options: Readonly<Record<string, unknown>>): ChatDraft {
  if ((request.model ?? "") === "") throw new AppError("invalid", "model is required");
  if ((request.messages ?? []).length === 0) throw new AppError("invalid", "messages is required");
  for (const field of ["mcp_servers", "container"] as const) {
    const value = request[field];
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) throw new AppError("invalid", `${field} is not supported`);
  }
  const sent = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    ...askSettings({ options: Object.fromEntries(sent), format: formatOf(request.output_config?.format) }),
    messages: [...systemMessages(request.system), ...anthropicMessages(request.messages ?? [])],
    tools: (request.tools ?? []).map(toolOf),
    toolChoice: choiceOf(request.tool_choice),
    parallelToolCalls: request.tool_choice?.disable_parallel_tool_use !== true,
    think: thinkOf(request),
    // Agents made for Anthropic's models ask for thinking whatever the model is (Ollama: "relax_thinking").
    relaxThinking: true,
  };
}

function systemMessages(system: unknown): ChatMessage[] {
  const blocks = blocksOf(system).filter(({ type }) => type === "text");
  const content = blocks.map(({ text }) => (typeof text === "string" ? text : "")).join("");
  return content === "" ? [] : [{ role: "system", content }];
}

function toolOf({ type, name, description, input_schema }: AnthropicTool): ToolDefinition {
  if (type !== undefined && type !== "" && type !== "custom") {
    const web = type.startsWith("web_search") || type.startsWith("web_fetch");
    const reason = web ? "this server does not search the web" : "only custom tools are";
    throw new AppError("invalid", `tool type ${JSON.stringify(type)} is not supported: ${reason}`);
  }
  if ((name ?? "") === "") throw new AppError("invalid", "tools: name is required");
  return {
    type: "function",
    function: {
      name: name ?? "",
      ...(description === undefined ? {} : { description }),
      ...(input_schema === undefined ? {} : { parameters: input_schema }),
    },
  };
}

function choiceOf(choice: CountTokensRequest["tool_choice"]): ToolChoice {
  switch (choice?.type) {
    case undefined:
    case "":
    case "auto":
      return "auto";
    case "any":
      return "required";
    case "none":
      return "none";
    case "tool":
      if ((choice.name ?? "") === "") throw new AppError("invalid", "tool_choice: name is required");
      return { name: choice.name ?? "" };
    default:
      throw new AppError("invalid", 'tool_choice: type must be "auto", "any", "tool" or "none"');
  }
}

function thinkOf({ thinking, output_config }: CountTokensRequest): unknown {
  if (thinking?.type === "enabled") return true;
  if (thinking?.type === "disabled") return false;
  const effort = (output_config?.effort ?? "").trim().toLowerCase();
  if (effort === "xhigh") return "high";
  return ["low", "medium", "high", "max"].includes(effort) ? effort : undefined;
}

function formatOf(format: unknown): unknown {
  if (format === undefined || format === null) return undefined;
  const given = typeof format === "object" ? (format as Record<string, unknown>) : {};
  if (given["type"] === "json_schema" && typeof given["schema"] === "object") return given["schema"];
  throw new AppError("invalid", 'output_config.format must be {"type":"json_schema","schema":{…}}');
}
