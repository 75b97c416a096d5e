// POST /v1/responses: the request, the response object and the events of its stream.

import { type Static, Type as t } from "@sinclair/typebox";
import { extensionFields } from "./shared.ts";

const OrNull = <S extends Parameters<typeof t.Optional>[0]>(schema: S) => t.Union([schema, t.Null()]);

export const ResponsesTool = t.Object(
  {
    type: t.Optional(t.String({ description: "function or namespace; web_search is accepted and left out" })),
    name: t.Optional(t.String()),
    description: t.Optional(t.String()),
    strict: t.Optional(t.Boolean()),
    parameters: t.Optional(t.Record(t.String(), t.Unknown())),
    tools: t.Optional(t.Array(t.Unknown(), { description: "Members of a namespace" })),
  },
  { title: "ResponsesTool", goType: "openai.ResponsesTool", additionalProperties: true },
);
export type ResponsesTool = Static<typeof ResponsesTool>;

/** Any item of an input: what kinds share in one name has one type. Content and output are read part by part. */
export const InputItem = t.Object(
  {
    type: t.Optional(t.String()),
    role: t.Optional(t.String()),
    call_id: t.Optional(t.String()),
    name: t.Optional(t.String()),
    arguments: t.Optional(t.String()),
    encrypted_content: t.Optional(t.String()),
  },
  { title: "ResponsesInputItem", goType: "openai.ResponsesInputItem", additionalProperties: true },
);

export const InputPart = t.Object(
  {
    type: t.Optional(t.String()),
    text: t.Optional(t.String()),
    refusal: t.Optional(t.String()),
    image_url: t.Optional(t.String()),
  },
  { title: "ResponsesContent", goType: "openai.ResponsesContent", additionalProperties: true },
);

const TextFormat = t.Object(
  {
    type: t.Optional(t.String({ description: "text, json_object or json_schema" })),
    name: t.Optional(t.String()),
    schema: t.Optional(t.Unknown()),
    strict: t.Optional(t.Boolean()),
  },
  { title: "ResponsesTextFormat", goType: "openai.ResponsesTextFormat" },
);

export const ResponsesRequest = t.Object(
  {
    model: t.Optional(t.String()),
    input: t.Optional(
      t.Unknown({
        description: "A text, or items: message, function_call, function_call_output, reasoning, web_search_call",
        anyOf: [{ type: "string" }, { type: "array", items: { type: "object" } }],
      }),
    ),
    instructions: t.Optional(t.String()),
    previous_response_id: t.Optional(t.String({ description: "Kept for an hour, in memory" })),
    store: t.Optional(t.Boolean()),
    stream: t.Optional(t.Boolean()),
    temperature: t.Optional(t.Number()),
    top_p: t.Optional(t.Number()),
    max_output_tokens: t.Optional(t.Integer()),
    tools: t.Optional(t.Array(ResponsesTool, { goType: "[]openai.ResponsesTool" })),
    tool_choice: t.Optional(
      t.Unknown({ description: '"none", "auto", "required", a function by name or allowed tools' }),
    ),
    parallel_tool_calls: t.Optional(t.Boolean()),
    reasoning: t.Optional(
      t.Object(
        { effort: t.Optional(t.String()), summary: t.Optional(t.String()), generate_summary: t.Optional(t.String()) },
        { title: "ResponsesReasoning", goType: "openai.ResponsesReasoning" },
      ),
    ),
    text: t.Optional(
      t.Object({ format: t.Optional(TextFormat) }, { title: "ResponsesText", goType: "openai.ResponsesText" }),
    ),
    truncation: t.Optional(t.String({ description: "auto, or disabled: a prompt that is too long is refused" })),
    include: t.Optional(
      t.Array(t.String(), { goType: "[]string", description: "message.output_text.logprobs; others are ignored" }),
    ),
    top_logprobs: t.Optional(t.Integer()),
    metadata: t.Optional(t.Record(t.String(), t.Unknown())),
    ...extensionFields,
    background: t.Optional(t.Boolean({ description: "Not supported" })),
    conversation: t.Optional(t.Unknown({ description: "Not supported: use previous_response_id" })),
    prompt: t.Optional(t.Unknown({ description: "Not supported" })),
  },
  {
    title: "ResponsesRequest",
    goType: "openai.ResponsesRequest",
    description: "Answer a conversation (OpenAI responses)",
  },
);
export type ResponsesRequest = Static<typeof ResponsesRequest>;

const OutputText = t.Object({
  type: t.Literal("output_text"),
  text: t.String(),
  annotations: t.Array(t.Unknown()),
  logprobs: t.Array(t.Unknown()),
});
export type OutputText = Static<typeof OutputText>;

const itemStates = [t.Literal("in_progress"), t.Literal("completed"), t.Literal("incomplete")] as const;
const ItemStatus = t.Union([...itemStates]);
const Status = t.Union([...itemStates, t.Literal("failed")]);

export const OutputItem = t.Union([
  t.Object({
    id: t.String(),
    type: t.Literal("reasoning"),
    summary: t.Array(t.Object({ type: t.Literal("summary_text"), text: t.String() })),
    encrypted_content: t.Optional(t.String()),
  }),
  t.Object({
    id: t.String(),
    type: t.Literal("message"),
    status: ItemStatus,
    role: t.Literal("assistant"),
    content: t.Array(OutputText),
  }),
  t.Object({
    id: t.String(),
    type: t.Literal("function_call"),
    status: ItemStatus,
    call_id: t.String(),
    name: t.String(),
    arguments: t.String(),
  }),
]);
export type OutputItem = Static<typeof OutputItem>;

export const ResponseObject = t.Object(
  {
    id: t.String(),
    object: t.Literal("response"),
    created_at: t.Integer(),
    completed_at: OrNull(t.Integer()),
    status: Status,
    incomplete_details: OrNull(t.Object({ reason: t.Literal("max_output_tokens") })),
    model: t.String(),
    previous_response_id: OrNull(t.String()),
    instructions: OrNull(t.String()),
    output: t.Array(OutputItem),
    error: OrNull(t.Object({ code: t.Literal("server_error"), message: t.String() })),
    tools: t.Array(t.Unknown()),
    tool_choice: t.Unknown(),
    truncation: t.Union([t.Literal("auto"), t.Literal("disabled")]),
    parallel_tool_calls: t.Boolean(),
    text: t.Object({ format: t.Unknown() }),
    top_p: t.Number(),
    presence_penalty: t.Number(),
    frequency_penalty: t.Number(),
    top_logprobs: t.Integer(),
    temperature: t.Number(),
    reasoning: OrNull(t.Object({ effort: OrNull(t.String()), summary: OrNull(t.String()) })),
    usage: OrNull(
      t.Object({
        input_tokens: t.Integer(),
        output_tokens: t.Integer(),
        total_tokens: t.Integer(),
        input_tokens_details: t.Object({ cached_tokens: t.Integer() }),
        output_tokens_details: t.Object({ reasoning_tokens: t.Integer() }),
      }),
    ),
    max_output_tokens: OrNull(t.Integer()),
    max_tool_calls: t.Null(),
    store: t.Boolean(),
    background: t.Boolean(),
    service_tier: t.Literal("default"),
    metadata: t.Record(t.String(), t.Unknown()),
    safety_identifier: t.Null(),
    prompt_cache_key: t.Null(),
  },
  { title: "Response" },
);
export type ResponseObject = Static<typeof ResponseObject>;

/** What each event of the stream adds to its type and its number. */
export const ResponseEvent = t.Object(
  { type: t.String(), sequence_number: t.Integer(), response: t.Optional(ResponseObject) },
  { title: "ResponseEvent", additionalProperties: true },
);
export type ResponseEvent = Static<typeof ResponseEvent> & Readonly<Record<string, unknown>>;
