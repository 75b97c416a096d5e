// POST /api/embed and the older /api/embeddings (spec 2.46, 2.48).

import { type Static, Type as t } from "@sinclair/typebox";
import { KeepAlive } from "./message.ts";
import { OptionsSchema } from "./options.ts";

export const EmbedRequest = t.Object(
  {
    model: t.Optional(t.String()),
    input: t.Optional(t.Unknown({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] })),
    truncate: t.Optional(t.Boolean()),
    dimensions: t.Optional(t.Integer()),
    keep_alive: t.Optional(KeepAlive),
    options: t.Optional(OptionsSchema),
  },
  { title: "EmbedRequest", description: "Embed texts" },
);
export type EmbedRequest = Static<typeof EmbedRequest>;

export const EmbedResponse = t.Object(
  {
    model: t.String(),
    embeddings: t.Array(t.Array(t.Number())),
    total_duration: t.Optional(t.Integer()),
    load_duration: t.Optional(t.Integer()),
    prompt_eval_count: t.Optional(t.Integer()),
  },
  { title: "EmbedResponse" },
);
export type EmbedResponse = Static<typeof EmbedResponse>;

export const EmbeddingRequest = t.Object(
  {
    model: t.Optional(t.String()),
    prompt: t.Optional(t.String()),
    keep_alive: t.Optional(KeepAlive),
    options: t.Optional(OptionsSchema),
  },
  { title: "EmbeddingRequest", description: "Embed one text (the older form)" },
);
export type EmbeddingRequest = Static<typeof EmbeddingRequest>;

export const EmbeddingResponse = t.Object({ embedding: t.Array(t.Number()) }, { title: "EmbeddingResponse" });
export type EmbeddingResponse = Static<typeof EmbeddingResponse>;
