// POST /api/chat (spec 2.26–2.41).

import { Elysia } from "elysia";
import { keepAliveMs } from "../../api/go-types.ts";
import { decodeOptions } from "../../api/schema/options.ts";
import { ChatRequest, type ChatResponse } from "../../api/schema/generate.ts";
import type { Message, Tool } from "../../api/schema/message.ts";
import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import { formatNow } from "../../base/rfc3339.ts";
import type { ChatMessage, ToolDefinition } from "../../chat/message.ts";
import type { AnswerEvent, AskableModel, ChatQuestion, ToolChoice } from "../../inference/model.ts";
import { jsonBody } from "../body.ts";
import { jsonResponse } from "../errors.ts";
import { openNamed } from "../model-reference.ts";
import { chatChunk, collectAnswer, wireLogprobs, wireToolCall } from "../native-chunks.ts";
import { askSettings, checkImages, checkTopLogprobs, thinkOf } from "../request-settings.ts";
import type { Services } from "../services.ts";
import { ndjsonResponse } from "../stream.ts";
import { endOf } from "../request-context.ts";

export function chatRoutes(services: Services) {
  return new Elysia().post("/api/chat", ({ body, request }) => chat(services, body, endOf(request)), {
    parse: jsonBody(ChatRequest),
    body: ChatRequest,
    detail: { summary: "Answer a conversation", tags: ["generate"] },
  });
}

async function chat(services: Services, request: ChatRequest, signal: AbortSignal): Promise<Response> {
  checkTopLogprobs(request.top_logprobs);
  const sent = request.model ?? "";
  if (sent.trim() === "") throw new AppError("invalid", "model is required");
  const model = await openNamed(services, sent);
  const messages = request.messages ?? [];
  if (messages.length === 0 && keepAliveMs(request.keep_alive) === 0) {
    model.unload();
    return jsonResponse(emptyAnswer(sent, "unload"));
  }
  const { abilities } = model;
  const think = thinkOf(request.think, abilities, sent);
  if (!abilities.completion) throw new AppError("invalid", `${goQuote(sent)} does not support chat`);
  const tools = (request.tools ?? []).map(toolDefinition);
  if (tools.length > 0 && !abilities.tools) throw new AppError("invalid", `${model.fullName} does not support tools`);
  const options = decodeOptions(request.options);
  if (messages.length === 0) {
    await model.load(options, keepAliveMs(request.keep_alive), signal);
    return jsonResponse(emptyAnswer(sent, "load"));
  }
  for (const { images } of messages) checkImages(images, model, sent);
  const question: ChatQuestion = {
    ...askSettings(request),
    messages: messages.map(chatMessage),
    tools,
    toolChoice: toolChoice(request.tool_choice),
    parallelToolCalls: true,
    think,
  };
  if (request._debug_render_only === true) {
    const rendered_template = model.renderChat(question);
    const message = { role: "", content: "" };
    return jsonResponse({
      model: sent,
      created_at: formatNow(),
      message,
      done: false,
      _debug_info: { rendered_template },
    });
  }
  const events = model.chat(question, signal);
  return request.stream === false
    ? whole(model, sent, events, tools.length > 0)
    : ndjsonResponse(events, (event) => ({ ...chatChunk(sent, event), ...model.remote }));
}

function emptyAnswer(model: string, reason: "load" | "unload"): ChatResponse {
  const message = { role: "assistant", content: "" };
  return { model, created_at: formatNow(), message, done: true, done_reason: reason };
}

export function chatMessage(message: Message): ChatMessage {
  return {
    role: (message.role ?? "").toLowerCase(),
    content: message.content ?? "",
    ...(message.images === undefined ? {} : { images: message.images }),
    ...(message.thinking === undefined ? {} : { thinking: message.thinking }),
    ...(message.tool_name === undefined ? {} : { toolName: message.tool_name }),
    ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
    ...(message.tool_calls === undefined
      ? {}
      : {
          toolCalls: message.tool_calls.map((call) => ({
            ...(call.id === undefined ? {} : { id: call.id }),
            name: call.function.name,
            arguments: call.function.arguments ?? {},
          })),
        }),
  };
}

export function toolDefinition(tool: Tool): ToolDefinition {
  const { name, description, parameters } = tool.function;
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
}

/** Not in Ollama: the OpenAI forms. */
export function toolChoice(value: unknown): ToolChoice {
  if (value === undefined || value === null || value === "auto") return "auto";
  if (value === "none" || value === "required") return value;
  if (typeof value === "object" && "function" in value) {
    const named: unknown = value.function;
    if (typeof named === "object" && named !== null && "name" in named && typeof named.name === "string")
      return { name: named.name };
  }
  throw new AppError(
    "invalid",
    'tool_choice must be "auto", "none", "required" or {"type":"function","function":{"name":"…"}}',
  );
}

async function whole(
  { remote }: AskableModel,
  sent: string,
  events: AsyncIterable<AnswerEvent>,
  withTools: boolean,
): Promise<Response> {
  const { text, thinking, toolCalls, logprobs, done } = await collectAnswer(events);
  if (done === undefined) throw new AppError("internal", "the answer did not end");
  const { message, done: isDone, done_reason, model, created_at, ...metrics } = chatChunk(sent, done);
  return jsonResponse({
    model,
    ...remote,
    created_at,
    message: {
      ...message,
      content: text,
      ...(thinking === "" ? {} : { thinking }),
      ...(withTools && toolCalls.length > 0 ? { tool_calls: toolCalls.map(wireToolCall) } : {}),
    },
    done: isDone,
    done_reason,
    ...(logprobs.length === 0 ? {} : { logprobs: wireLogprobs(logprobs) }),
    ...metrics,
  });
}
