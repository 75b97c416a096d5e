// POST /v1/completions.

import { type Static, Type as t } from "@sinclair/typebox";
import { extensionFields, samplingFields, Stop, StreamOptions, Usage } from "./shared.ts";

/** Ollama keeps these in less room here than in chat, which its errors show. */
const Float32 = t.Optional(t.Number({ goType: "float32" }));

export const CompletionRequest = t.Object(
  {
    model: t.Optional(t.String()),
    prompt: t.Optional(
      t.Unknown({
        description: "A text, several texts, token ids, or several lists of token ids",
        anyOf: [{ type: "string" }, { type: "array" }],
      }),
    ),
    suffix: t.Optional(t.String()),
    max_tokens: t.Optional(t.Integer()),
    n: t.Optional(t.Integer({ description: "Answers wanted for each prompt; with several prompts at most 16 in all" })),
    best_of: t.Optional(t.Integer({ description: "Only as large as n" })),
    echo: t.Optional(t.Boolean()),
    stop: t.Optional(Stop),
    stream: t.Optional(t.Boolean()),
    stream_options: t.Optional(StreamOptions),
    ...samplingFields,
    temperature: Float32,
    top_p: Float32,
    frequency_penalty: Float32,
    presence_penalty: Float32,
    logit_bias: t.Optional(t.Record(t.String(), t.Unknown())),
    logprobs: t.Optional(t.Integer()),
    ...extensionFields,
    _debug_render_only: t.Optional(t.Boolean()),
  },
  { title: "CompletionRequest", goType: "openai.CompletionRequest", description: "Continue a prompt (OpenAI)" },
);
export type CompletionRequest = Static<typeof CompletionRequest>;

export const CompletionLogprobs = t.Object(
  {
    tokens: t.Array(t.String()),
    token_logprobs: t.Array(t.Number()),
    top_logprobs: t.Array(t.Record(t.String(), t.Number())),
    text_offset: t.Array(t.Integer()),
  },
  { title: "CompletionLogprobs" },
);
export type CompletionLogprobs = Static<typeof CompletionLogprobs>;

/** A whole answer or one chunk of a stream: they look the same. */
export const Completion = t.Object(
  {
    id: t.String(),
    object: t.Literal("text_completion"),
    created: t.Integer(),
    model: t.String(),
    system_fingerprint: t.String(),
    choices: t.Array(
      t.Object({
        text: t.String(),
        index: t.Integer(),
        finish_reason: t.Union([t.Literal("stop"), t.Literal("length"), t.Null()]),
        logprobs: t.Union([CompletionLogprobs, t.Null()]),
      }),
    ),
    usage: t.Optional(Usage),
  },
  { title: "Completion" },
);
export type Completion = Static<typeof Completion>;
