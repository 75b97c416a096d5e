// POST /v1/messages and /v1/messages/count_tokens: Anthropic's shapes. Content is `unknown` in a message; the translation
// decodes its blocks one by one and answers in Ollama's words.

import { type Static, Type as t } from "@sinclair/typebox";

const Blocks = (description: string) =>
  t.Unknown({ description, anyOf: [{ type: "string" }, { type: "array", items: { type: "object" } }] });

/** Any block that a request may hold: what kinds share in one name has one type. Sources and nested content keep theirs. */
export const ContentBlock = t.Object(
  {
    type: t.Optional(t.String()),
    text: t.Optional(t.String()),
    thinking: t.Optional(t.String()),
    signature: t.Optional(t.String()),
    id: t.Optional(t.String()),
    name: t.Optional(t.String()),
    input: t.Optional(t.Record(t.String(), t.Unknown(), { goType: "api.ToolCallFunctionArguments" })),
    tool_use_id: t.Optional(t.String()),
    is_error: t.Optional(t.Boolean()),
  },
  { title: "ContentBlock", goType: "anthropic.ContentBlock", additionalProperties: true },
);

export const AnthropicMessage = t.Object(
  {
    role: t.Optional(t.String()),
    content: t.Optional(
      Blocks(
        "A text, or blocks: text, image (base64), tool_use, tool_result, thinking, redacted_thinking, document (text)",
      ),
    ),
  },
  { title: "MessageParam", goType: "anthropic.MessageParam", decodesItself: true },
);
export type AnthropicMessage = Static<typeof AnthropicMessage>;

export const AnthropicTool = t.Object(
  {
    type: t.Optional(t.String({ description: "custom; the tools of Anthropic's own servers are refused" })),
    name: t.Optional(t.String()),
    description: t.Optional(t.String()),
    input_schema: t.Optional(t.Record(t.String(), t.Unknown())),
  },
  { title: "Tool", goType: "anthropic.Tool" },
);
export type AnthropicTool = Static<typeof AnthropicTool>;

const promptFields = {
  model: t.Optional(t.String()),
  messages: t.Optional(t.Array(AnthropicMessage, { goType: "[]anthropic.MessageParam" })),
  system: t.Optional(Blocks("A text, or text blocks")),
  tools: t.Optional(t.Array(AnthropicTool, { goType: "[]anthropic.Tool" })),
  tool_choice: t.Optional(
    t.Object(
      {
        type: t.Optional(t.String({ description: "auto, any, tool or none" })),
        name: t.Optional(t.String()),
        disable_parallel_tool_use: t.Optional(t.Boolean()),
      },
      { title: "ToolChoice", goType: "anthropic.ToolChoice" },
    ),
  ),
  thinking: t.Optional(
    t.Object(
      {
        type: t.Optional(t.String({ description: "enabled, disabled or adaptive" })),
        budget_tokens: t.Optional(t.Integer()),
      },
      { title: "ThinkingConfig", goType: "anthropic.ThinkingConfig" },
    ),
  ),
  output_config: t.Optional(
    t.Object(
      {
        effort: t.Optional(t.String()),
        format: t.Optional(t.Unknown({ description: '{"type":"json_schema","schema":{…}}' })),
      },
      { title: "OutputConfig", goType: "anthropic.OutputConfig" },
    ),
  ),
  mcp_servers: t.Optional(t.Unknown({ description: "Not supported" })),
  container: t.Optional(t.Unknown({ description: "Not supported" })),
};

export const MessagesRequest = t.Object(
  {
    ...promptFields,
    max_tokens: t.Optional(t.Integer()),
    stream: t.Optional(t.Boolean()),
    temperature: t.Optional(t.Number()),
    top_p: t.Optional(t.Number()),
    top_k: t.Optional(t.Integer()),
    stop_sequences: t.Optional(t.Array(t.String(), { goType: "[]string" })),
  },
  { title: "MessagesRequest", goType: "anthropic.MessagesRequest", description: "Answer a conversation (Anthropic)" },
);
export type MessagesRequest = Static<typeof MessagesRequest>;

export const CountTokensRequest = t.Object(promptFields, {
  title: "CountTokensRequest",
  goType: "anthropic.CountTokensRequest",
  description: "Count the tokens of a conversation (Anthropic)",
});
export type CountTokensRequest = Static<typeof CountTokensRequest>;

export const CountTokensResponse = t.Object({ input_tokens: t.Integer() }, { title: "CountTokensResponse" });

/** Without the `citations` and `caller` of Anthropic's type: clients that look closer refuse null for the one, and the other. */
export const AnswerBlock = t.Union([
  t.Object({ type: t.Literal("text"), text: t.String() }),
  t.Object({ type: t.Literal("thinking"), thinking: t.String(), signature: t.String() }),
  t.Object({
    type: t.Literal("tool_use"),
    id: t.String(),
    name: t.String(),
    input: t.Record(t.String(), t.Unknown()),
  }),
]);
export type AnswerBlock = Static<typeof AnswerBlock>;

/** Anthropic's type demands more than Ollama sends: what has no meaning here is null, and no token is counted as from a cache. */
const DeltaUsage = t.Object({
  input_tokens: t.Integer(),
  output_tokens: t.Integer(),
  cache_creation_input_tokens: t.Integer(),
  cache_read_input_tokens: t.Integer(),
  output_tokens_details: t.Null(),
  server_tool_use: t.Null(),
});
export type DeltaUsage = Static<typeof DeltaUsage>;

const Usage = t.Composite([
  DeltaUsage,
  t.Object({ cache_creation: t.Null(), inference_geo: t.Null(), service_tier: t.Null(), speed: t.Null() }),
]);
export type Usage = Static<typeof Usage>;

const StopReason = t.Union([
  t.Literal("end_turn"),
  t.Literal("max_tokens"),
  t.Literal("stop_sequence"),
  t.Literal("tool_use"),
]);

const stopFields = {
  container: t.Null(),
  stop_details: t.Null(),
  stop_reason: t.Union([StopReason, t.Null()]),
  stop_sequence: t.Union([t.String(), t.Null()]),
};
const Stop = t.Object(stopFields);
export type Stop = Static<typeof Stop>;

export const MessagesResponse = t.Object(
  {
    id: t.String(),
    type: t.Literal("message"),
    role: t.Literal("assistant"),
    model: t.String(),
    content: t.Array(AnswerBlock),
    ...stopFields,
    diagnostics: t.Null(),
    usage: Usage,
  },
  { title: "MessagesResponse" },
);
export type MessagesResponse = Static<typeof MessagesResponse>;

const Delta = t.Union([
  t.Object({ type: t.Literal("text_delta"), text: t.String() }),
  t.Object({ type: t.Literal("thinking_delta"), thinking: t.String() }),
  t.Object({ type: t.Literal("input_json_delta"), partial_json: t.String() }),
]);

export const AnthropicError = t.Object(
  {
    type: t.Literal("error"),
    error: t.Object({ type: t.String(), message: t.String() }),
    request_id: t.Optional(t.String()),
  },
  { title: "AnthropicError" },
);
export type AnthropicError = Static<typeof AnthropicError>;

/** The events of a stream; each is sent under its own type as the event's name. */
export const StreamEvent = t.Union(
  [
    t.Object({ type: t.Literal("message_start"), message: MessagesResponse }),
    t.Object({ type: t.Literal("content_block_start"), index: t.Integer(), content_block: AnswerBlock }),
    t.Object({ type: t.Literal("content_block_delta"), index: t.Integer(), delta: Delta }),
    t.Object({ type: t.Literal("content_block_stop"), index: t.Integer() }),
    t.Object({
      type: t.Literal("message_delta"),
      delta: Stop,
      usage: DeltaUsage,
    }),
    t.Object({ type: t.Literal("message_stop") }),
    AnthropicError,
  ],
  { title: "MessageStreamEvent" },
);
export type StreamEvent = Static<typeof StreamEvent>;
