// POST /v1/embeddings.

import { type Static, Type as t } from "@sinclair/typebox";

export const EmbeddingsRequest = t.Object(
  {
    model: t.Optional(t.String()),
    input: t.Optional(t.Unknown({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] })),
    dimensions: t.Optional(t.Integer()),
    encoding_format: t.Optional(t.String({ description: "float or base64 (little-endian float32)" })),
  },
  { title: "EmbedRequest", goType: "openai.EmbedRequest", description: "Embed texts (OpenAI)" },
);
export type EmbeddingsRequest = Static<typeof EmbeddingsRequest>;

export const EmbeddingsList = t.Object(
  {
    object: t.Literal("list"),
    data: t.Array(
      t.Object({
        object: t.Literal("embedding"),
        embedding: t.Union([t.Array(t.Number()), t.String()]),
        index: t.Integer(),
      }),
    ),
    model: t.String(),
    usage: t.Object({ prompt_tokens: t.Integer(), total_tokens: t.Integer() }),
  },
  { title: "EmbeddingsList" },
);
export type EmbeddingsList = Static<typeof EmbeddingsList>;
