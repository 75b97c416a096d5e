// POST /api/rerank and /v1/rerank: documents in the order in which they answer a query. Not in Ollama.

import { type Static, Type as t } from "@sinclair/typebox";
import { KeepAlive } from "./message.ts";
import { OptionsSchema } from "./options.ts";

export const RerankRequest = t.Object(
  {
    model: t.Optional(t.String()),
    query: t.Optional(t.String()),
    documents: t.Optional(t.Array(t.Unknown(), { description: 'Texts, or objects with a "text"', goType: "[]string" })),
    top_n: t.Optional(t.Integer()),
    return_documents: t.Optional(t.Boolean()),
    keep_alive: t.Optional(KeepAlive),
    options: t.Optional(OptionsSchema),
  },
  { title: "RerankRequest", description: "Sort documents by how well they answer a query" },
);
export type RerankRequest = Static<typeof RerankRequest>;

export const RerankResponse = t.Object(
  {
    model: t.String(),
    results: t.Array(
      t.Object({
        index: t.Integer(),
        relevance_score: t.Number(),
        document: t.Optional(t.Object({ text: t.String() })),
      }),
    ),
    usage: t.Object({ prompt_tokens: t.Integer(), total_tokens: t.Integer() }),
  },
  { title: "RerankResponse" },
);
export type RerankResponse = Static<typeof RerankResponse>;
