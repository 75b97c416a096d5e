// Messages, tools and what a generation reports: shared by generate and chat.

import { type Static, Type as t } from "@sinclair/typebox";
import { OptionsSchema } from "./options.ts";

export const ToolCall = t.Object(
  {
    id: t.Optional(t.String()),
    function: t.Object(
      {
        index: t.Optional(t.Integer()),
        name: t.String({ default: "" }),
        arguments: t.Optional(t.Record(t.String(), t.Unknown(), { goType: "api.ToolCallFunctionArguments" })),
      },
      { title: "ToolCallFunction" },
    ),
  },
  { title: "ToolCall" },
);
export type ToolCall = Static<typeof ToolCall>;

/** Base64, with padding. */
export const Image = t.String({ goType: "api.ImageData", description: "Base64" });

/** Ollama reads messages through a local type, whose name shows in errors (api/types.go, Message.UnmarshalJSON). */
export const Message = t.Object(
  {
    role: t.Optional(t.String()),
    content: t.Optional(t.String()),
    thinking: t.Optional(t.String()),
    images: t.Optional(t.Array(Image, { goType: "[]api.ImageData" })),
    tool_calls: t.Optional(t.Array(ToolCall, { goType: "[]api.ToolCall" })),
    tool_name: t.Optional(t.String()),
    tool_call_id: t.Optional(t.String()),
  },
  { title: "Message", goType: "api.Alias", decodesItself: true },
);
export type Message = Static<typeof Message>;

/** Passed through to templates as it came: tool schemas have any shape. */
export const Tool = t.Object(
  {
    type: t.Optional(t.String()),
    function: t.Object(
      {
        name: t.String({ default: "" }),
        description: t.Optional(t.String()),
        parameters: t.Optional(t.Record(t.String(), t.Unknown(), { goType: "api.ToolFunctionParameters" })),
      },
      { title: "ToolFunction", additionalProperties: true },
    ),
  },
  { title: "Tool", additionalProperties: true },
);
export type Tool = Static<typeof Tool>;

/** true, false, or "low" | "medium" | "high" | "max". */
export const Think = t.Unknown({
  goType: "api.ThinkValue",
  description: 'true, false, "low", "medium", "high" or "max"',
});
/** A Go duration ("5m"), a number of seconds, negative for ever, 0 to unload. */
export const KeepAlive = t.Unknown({
  goType: "api.Duration",
  description: 'Duration ("5m") or seconds; negative: for ever; 0: unload afterwards',
});
/** "json" or a JSON schema. */
export const Format = t.Unknown({ description: '"json" or a JSON schema object' });

/** Fields that generate and chat requests share. */
export const generationFields = {
  model: t.Optional(t.String()),
  stream: t.Optional(t.Boolean()),
  format: t.Optional(Format),
  grammar: t.Optional(t.String({ description: "GBNF grammar the answer must follow (not in Ollama)" })),
  keep_alive: t.Optional(KeepAlive),
  options: t.Optional(OptionsSchema),
  think: t.Optional(Think),
  truncate: t.Optional(t.Boolean()),
  shift: t.Optional(t.Boolean()),
  logprobs: t.Optional(t.Boolean()),
  top_logprobs: t.Optional(t.Integer()),
  _debug_render_only: t.Optional(t.Boolean()),
};

const TokenLogprob = t.Object({ token: t.String(), logprob: t.Number(), bytes: t.Optional(t.Array(t.Integer())) });
export const Logprob = t.Composite([TokenLogprob, t.Object({ top_logprobs: t.Optional(t.Array(TokenLogprob)) })]);
export type Logprob = Static<typeof Logprob>;

/** Fields of the last chunk. Durations are nanoseconds and left out when 0. */
export const metricsFields = {
  total_duration: t.Optional(t.Integer()),
  load_duration: t.Optional(t.Integer()),
  prompt_eval_count: t.Optional(t.Integer()),
  prompt_eval_duration: t.Optional(t.Integer()),
  eval_count: t.Optional(t.Integer()),
  eval_duration: t.Optional(t.Integer()),
  /** Not in Ollama: prompt tokens that came from a cache, tokens cut from the prompt, tokens shifted out. */
  prompt_cached_count: t.Optional(t.Integer()),
  truncated_count: t.Optional(t.Integer()),
  shifted_count: t.Optional(t.Integer()),
  draft_count: t.Optional(t.Integer()),
  draft_accepted_count: t.Optional(t.Integer()),
};

export const DebugInfo = t.Object({ rendered_template: t.String(), image_count: t.Optional(t.Integer()) });
