// POST /v1/chat/completions.

import { type Static, Type as t } from "@sinclair/typebox";
import { Tool } from "../schema/message.ts";
import { extensionFields, samplingFields, Stop, StreamOptions, Usage } from "./shared.ts";

export const ChatToolCall = t.Object(
  {
    id: t.Optional(t.String()),
    index: t.Optional(t.Integer()),
    type: t.Optional(t.String()),
    function: t.Optional(
      t.Object(
        { name: t.Optional(t.String()), arguments: t.Optional(t.String({ description: "JSON as text" })) },
        { title: "ToolCallFunction" },
      ),
    ),
  },
  { title: "ToolCall", goType: "openai.ToolCall" },
);
export type ChatToolCall = Static<typeof ChatToolCall>;

export const ChatCompletionMessage = t.Object(
  {
    role: t.Optional(t.String()),
    content: t.Optional(
      t.Unknown({
        description: "A text, or parts: text, image_url, input_audio",
        anyOf: [{ type: "string" }, { type: "null" }, { type: "array", items: { type: "object" } }],
      }),
    ),
    reasoning: t.Optional(t.String()),
    reasoning_content: t.Optional(t.String({ description: "Other servers' name for `reasoning`" })),
    refusal: t.Optional(t.String()),
    tool_calls: t.Optional(t.Array(ChatToolCall, { goType: "[]openai.ToolCall" })),
    name: t.Optional(t.String()),
    tool_call_id: t.Optional(t.String()),
  },
  { title: "Message", goType: "openai.Message" },
);
export type ChatCompletionMessage = Static<typeof ChatCompletionMessage>;

export const ChatCompletionRequest = t.Object(
  {
    model: t.Optional(t.String()),
    messages: t.Optional(t.Array(ChatCompletionMessage, { goType: "[]openai.Message" })),
    stream: t.Optional(t.Boolean()),
    stream_options: t.Optional(StreamOptions),
    max_tokens: t.Optional(t.Integer()),
    max_completion_tokens: t.Optional(t.Integer()),
    n: t.Optional(t.Integer({ description: "Answers wanted, 1 to 16" })),
    stop: t.Optional(Stop),
    ...samplingFields,
    logit_bias: t.Optional(t.Record(t.String(), t.Unknown(), { description: "Token id → -100 to 100" })),
    logprobs: t.Optional(t.Boolean()),
    top_logprobs: t.Optional(t.Integer()),
    response_format: t.Optional(
      t.Object(
        {
          type: t.Optional(t.String({ description: "text, json_object or json_schema" })),
          json_schema: t.Optional(
            t.Object(
              { schema: t.Optional(t.Unknown()) },
              { title: "JsonSchema", goType: "openai.JsonSchema", additionalProperties: true },
            ),
          ),
        },
        { title: "ResponseFormat", goType: "openai.ResponseFormat" },
      ),
    ),
    tools: t.Optional(t.Array(Tool, { goType: "[]api.Tool" })),
    tool_choice: t.Optional(
      t.Unknown({ description: '"none", "auto", "required", a named function or allowed tools' }),
    ),
    parallel_tool_calls: t.Optional(t.Boolean()),
    reasoning: t.Optional(
      t.Object({ effort: t.Optional(t.String()) }, { title: "Reasoning", goType: "openai.Reasoning" }),
    ),
    reasoning_effort: t.Optional(t.String()),
    ...extensionFields,
    _debug_render_only: t.Optional(t.Boolean()),
    // Fields that are refused when they ask for something (docs/differences.md).
    functions: t.Optional(t.Unknown({ description: "Not supported: use tools" })),
    function_call: t.Optional(t.Unknown({ description: "Not supported: use tool_choice" })),
    modalities: t.Optional(t.Unknown({ description: 'Only ["text"]' })),
    audio: t.Optional(t.Unknown({ description: "Not supported" })),
    web_search_options: t.Optional(t.Unknown({ description: "Not supported" })),
  },
  {
    title: "ChatCompletionRequest",
    goType: "openai.ChatCompletionRequest",
    description: "Answer a conversation (OpenAI)",
  },
);
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>;

const TokenLogprob = t.Object({ token: t.String(), logprob: t.Number(), bytes: t.Array(t.Integer()) });
export const ChoiceLogprobs = t.Object(
  {
    content: t.Array(t.Composite([TokenLogprob, t.Object({ top_logprobs: t.Array(TokenLogprob) })])),
    refusal: t.Null(),
  },
  { title: "ChoiceLogprobs" },
);
export type ChoiceLogprobs = Static<typeof ChoiceLogprobs>;

const AnswerToolCall = t.Object({
  id: t.String(),
  index: t.Integer(),
  type: t.Literal("function"),
  function: t.Object({ name: t.String(), arguments: t.String() }),
});
export type AnswerToolCall = Static<typeof AnswerToolCall>;

const FinishReason = t.Union([t.Literal("stop"), t.Literal("length"), t.Literal("tool_calls"), t.Null()]);
export type FinishReason = Static<typeof FinishReason>;

const answerFields = {
  id: t.String(),
  created: t.Integer(),
  model: t.String(),
  system_fingerprint: t.String(),
};

export const ChatCompletion = t.Object(
  {
    ...answerFields,
    object: t.Literal("chat.completion"),
    choices: t.Array(
      t.Object({
        index: t.Integer(),
        message: t.Object({
          role: t.Literal("assistant"),
          content: t.String(),
          refusal: t.Null(),
          reasoning: t.Optional(t.String()),
          tool_calls: t.Optional(t.Array(AnswerToolCall)),
        }),
        finish_reason: FinishReason,
        logprobs: t.Union([ChoiceLogprobs, t.Null()]),
      }),
    ),
    usage: Usage,
    _debug_info: t.Optional(t.Object({ rendered_template: t.String() })),
  },
  { title: "ChatCompletion" },
);
export type ChatCompletion = Static<typeof ChatCompletion>;

export const ChatCompletionChunk = t.Object(
  {
    ...answerFields,
    object: t.Literal("chat.completion.chunk"),
    choices: t.Array(
      t.Object({
        index: t.Integer(),
        delta: t.Object({
          role: t.Optional(t.Literal("assistant")),
          content: t.Optional(t.String()),
          reasoning: t.Optional(t.String()),
          tool_calls: t.Optional(t.Array(AnswerToolCall)),
        }),
        finish_reason: FinishReason,
        logprobs: t.Optional(ChoiceLogprobs),
      }),
    ),
    usage: t.Optional(Usage),
  },
  { title: "ChatCompletionChunk" },
);
export type ChatCompletionChunk = Static<typeof ChatCompletionChunk>;
