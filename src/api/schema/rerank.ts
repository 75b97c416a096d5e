// POST /api/rerank and /v1/rerank: documents in the order in which they answer a query. Not in Ollama.

import { type Static, Type as t } from "@sinclair/typebox";

export const RerankRequest = t.Object(
  {
    model: t.Optional(t.String()),
    query: t.Optional(t.String()),
    documents: t.Optional(t.Array(t.Unknown(), { description: 'Texts, or objects with a "text"', goType: "[]string" })),
    top_n: t.Optional(t.Integer()),
    return_documents: t.Optional(t.Boolean()),
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
  },
  { title: "RerankResponse" },
);
export type RerankResponse = Static<typeof RerankResponse>;
