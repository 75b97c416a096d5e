// A response before its answer: an id, and what the request said.

import type { ResponseObject, ResponsesRequest, ResponsesTool } from "../../../api/openai/responses.ts";
import { unixSeconds } from "./ids.ts";

export function emptyResponse(id: string, request: ResponsesRequest): ResponseObject {
  const { reasoning } = request;
  const hasReasoning = Boolean(reasoning?.effort) || Boolean(reasoning?.summary);
  return {
    id,
    object: "response",
    created_at: unixSeconds(),
    completed_at: null,
    status: "in_progress",
    incomplete_details: null,
    model: request.model ?? "",
    previous_response_id: request.previous_response_id ?? null,
    instructions: request.instructions || null,
    output: [],
    error: null,
    tools: (request.tools ?? []).map(echoedTool),
    tool_choice: request.tool_choice ?? "auto",
    truncation: request.truncation === "auto" ? "auto" : "disabled",
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    text: { format: { ...request.text?.format, type: request.text?.format?.type || "text" } },
    top_p: request.top_p ?? 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: request.top_logprobs ?? 0,
    temperature: request.temperature ?? 1,
    reasoning: hasReasoning ? { effort: reasoning?.effort || null, summary: reasoning?.summary || null } : null,
    usage: null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    store: request.store ?? true,
    background: false,
    service_tier: "default",
    metadata: request.metadata ?? {},
    safety_identifier: null,
    prompt_cache_key: null,
  };
}

/** What OpenAI's type of a function has although it may be null. */
function echoedTool(tool: ResponsesTool): unknown {
  if ((tool.type || "function") !== "function") return tool;
  const { type = "function", name, description = null, strict = null, parameters = null, ...more } = tool;
  return { type, name, description, strict, parameters, ...more };
}
