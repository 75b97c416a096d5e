// Parts that several OpenAI messages share. Where the wire allows several shapes, the field is `unknown` with the shapes
// written down for the document; the translation checks it and answers in the API's own words.

import { type Static, Type as t } from "@sinclair/typebox";

export const OpenAIError = t.Object(
  {
    error: t.Object({
      message: t.String(),
      type: t.String(),
      param: t.Union([t.String(), t.Null()]),
      code: t.Union([t.String(), t.Null()]),
    }),
  },
  { title: "OpenAIError" },
);
export type OpenAIError = Static<typeof OpenAIError>;

export const StreamOptions = t.Object(
  { include_usage: t.Optional(t.Boolean()) },
  { title: "StreamOptions", goType: "openai.StreamOptions" },
);

export const Stop = t.Unknown({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] });

/** Not OpenAI's: what only Ollama's own API can say otherwise. */
export const extensionFields = {
  options: t.Optional(t.Record(t.String(), t.Unknown(), { description: "Model options, as in /api/chat (extension)" })),
  num_ctx: t.Optional(t.Integer({ description: "Context length (extension)" })),
  keep_alive: t.Optional(t.Unknown({ description: "As in /api/chat (extension)" })),
  top_k: t.Optional(t.Integer({ description: "Extension" })),
  min_p: t.Optional(t.Number({ description: "Extension" })),
  repeat_penalty: t.Optional(t.Number({ description: "Extension" })),
};

export const samplingFields = {
  temperature: t.Optional(t.Number()),
  top_p: t.Optional(t.Number()),
  seed: t.Optional(t.Integer()),
  frequency_penalty: t.Optional(t.Number()),
  presence_penalty: t.Optional(t.Number()),
};

export const Usage = t.Object(
  {
    prompt_tokens: t.Integer(),
    completion_tokens: t.Integer(),
    total_tokens: t.Integer(),
    prompt_tokens_details: t.Object({ cached_tokens: t.Integer() }),
  },
  { title: "Usage" },
);
export type Usage = Static<typeof Usage>;
