// A response request → a question (spec 3.14, 3.16). Pure.

import type { ResponsesRequest, ResponsesTool } from "../../../api/openai/responses.ts";
import { AppError } from "../../../base/errors.ts";
import type { ChatMessage, ToolDefinition } from "../../../chat/message.ts";
import type { ChatDraft } from "../../chat-draft.ts";
import { askSettings, checkTopLogprobs } from "../../request-settings.ts";
import { chooseTools } from "./chat-request.ts";
import { thinkOfEffort } from "./effort.ts";
import { inputMessages } from "./response-input.ts";
import { wireOptions } from "./sampling.ts";

export interface ResponseDraft {
  readonly draft: ChatDraft;
  /** The conversation so far without the instructions, which count for one response only. */
  readonly conversation: readonly ChatMessage[];
}

const LOGPROBS = "message.output_text.logprobs";

export function responseDraft(request: ResponsesRequest, earlier: readonly ChatMessage[]): ResponseDraft {
  refuseUnsupported(request);
  checkTopLogprobs(request.top_logprobs);
  const conversation = [...earlier, ...inputMessages(request.input)];
  if (conversation.length === 0 && !request.instructions) throw new AppError("invalid", "input is required");
  const instructions = request.instructions ? [{ role: "system", content: request.instructions }] : [];
  const tools = (request.tools ?? []).flatMap((tool) => toolsOf(tool));
  const draft: ChatDraft = {
    ...askSettings({
      options: wireOptions(request, request.max_output_tokens, undefined),
      format: formatOf(request.text?.format),
      keep_alive: request.keep_alive,
      logprobs: request.include?.includes(LOGPROBS),
      top_logprobs: request.top_logprobs,
      truncate: request.truncation !== "disabled",
    }),
    messages: [...instructions, ...conversation],
    ...chooseTools(tools, request.tool_choice),
    parallelToolCalls: request.parallel_tool_calls ?? true,
    think: thinkOfEffort(request.reasoning?.effort ?? ""),
    relaxThinking: false,
  };
  return { draft, conversation };
}

function refuseUnsupported({ background, conversation, prompt, truncation }: ResponsesRequest): void {
  if (background === true) throw new AppError("invalid", "background responses are not supported");
  if (conversation !== undefined)
    throw new AppError("invalid", "conversation is not supported: use previous_response_id");
  if (prompt !== undefined) throw new AppError("invalid", "prompt templates are not supported");
  if (!["", "auto", "disabled"].includes(truncation ?? "")) {
    throw new AppError("invalid", 'truncation must be "auto" or "disabled"');
  }
}

function formatOf(format: NonNullable<ResponsesRequest["text"]>["format"]): unknown {
  switch (format?.type ?? "") {
    case "":
    case "text":
      return undefined;
    case "json_object":
      return "json";
    case "json_schema":
      return format?.schema ?? "json";
    default:
      throw new AppError("invalid", `text.format: unknown type ${JSON.stringify(format?.type)}`);
  }
}

const MAX_NESTING = 8;

/** Members of a namespace become functions called "namespace.member", as in Ollama. */
function toolsOf(tool: ResponsesTool, prefix = "", depth = 0): ToolDefinition[] {
  const { name = "", description, parameters } = tool;
  const type = tool.type || "function";
  // Nothing here searches the web; agents send the tool with every request, so it is left out rather than refused.
  if (type.startsWith("web_search")) return [];
  if (type === "namespace" && depth < MAX_NESTING) {
    const inner = name === "" ? prefix : `${prefix}${name}.`;
    return (tool.tools ?? []).flatMap((member) => toolsOf(member as ResponsesTool, inner, depth + 1));
  }
  if (type !== "function") {
    throw new AppError("invalid", `tool type ${JSON.stringify(type)} is not supported: only functions are`);
  }
  if (typeof name !== "string" || name === "") throw new AppError("invalid", "tools: name is required");
  return [
    {
      type: "function",
      function: {
        name: name.startsWith(prefix) ? name : prefix + name,
        ...(description === undefined || description === null ? {} : { description }),
        ...(parameters === undefined || parameters === null ? {} : { parameters }),
      },
    },
  ];
}
