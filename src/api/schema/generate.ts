// POST /api/generate and /api/chat.

import { type Static, Type as t } from "@sinclair/typebox";
import { DebugInfo, generationFields, Image, Logprob, Message, metricsFields, Tool, ToolCall } from "./message.ts";

export const GenerateRequest = t.Object(
  {
    ...generationFields,
    prompt: t.Optional(t.String()),
    suffix: t.Optional(t.String()),
    system: t.Optional(t.String()),
    template: t.Optional(t.String()),
    context: t.Optional(t.Array(t.Integer(), { goType: "[]int" })),
    raw: t.Optional(t.Boolean()),
    images: t.Optional(t.Array(Image, { goType: "[]api.ImageData" })),
  },
  { title: "GenerateRequest", description: "Continue a prompt" },
);
export type GenerateRequest = Static<typeof GenerateRequest>;

export const ChatRequest = t.Object(
  {
    ...generationFields,
    messages: t.Optional(t.Array(Message, { goType: "[]api.Message" })),
    tools: t.Optional(t.Array(Tool, { goType: "api.Tools" })),
    tool_choice: t.Optional(
      t.Unknown({ description: '"auto", "none", "required" or a named function (not in Ollama)' }),
    ),
  },
  { title: "ChatRequest", description: "Answer a conversation" },
);
export type ChatRequest = Static<typeof ChatRequest>;

const chunkFields = {
  model: t.String(),
  remote_model: t.Optional(t.String()),
  remote_host: t.Optional(t.String()),
  created_at: t.String(),
  done: t.Boolean(),
  done_reason: t.Optional(t.String()),
};

export const GenerateResponse = t.Object(
  {
    ...chunkFields,
    response: t.String(),
    thinking: t.Optional(t.String()),
    context: t.Optional(t.Array(t.Integer())),
    ...metricsFields,
    tool_calls: t.Optional(t.Array(ToolCall)),
    logprobs: t.Optional(t.Array(Logprob)),
    _debug_info: t.Optional(DebugInfo),
  },
  { title: "GenerateResponse" },
);
export type GenerateResponse = Static<typeof GenerateResponse>;

export const ChatResponse = t.Object(
  {
    ...chunkFields,
    message: t.Object({
      role: t.String(),
      content: t.String(),
      thinking: t.Optional(t.String()),
      tool_calls: t.Optional(t.Array(ToolCall)),
    }),
    ...metricsFields,
    logprobs: t.Optional(t.Array(Logprob)),
    _debug_info: t.Optional(DebugInfo),
  },
  { title: "ChatResponse" },
);
export type ChatResponse = Static<typeof ChatResponse>;
