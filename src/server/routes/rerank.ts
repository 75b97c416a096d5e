// POST /api/rerank and /v1/rerank. Not in Ollama. No model of this build can rerank: each is refused by name, after its request
// has been checked.

import { Elysia } from "elysia";
import { RerankRequest } from "../../api/schema/rerank.ts";
import { AppError } from "../../base/errors.ts";
import { jsonBody } from "../body.ts";
import { openNamed } from "../model-reference.ts";
import type { Services } from "../services.ts";

export function rerankRoutes(services: Services) {
  const handlers = {
    parse: jsonBody(RerankRequest),
    body: RerankRequest,
    detail: { summary: "Sort documents by how well they answer a query", tags: ["rerank"] },
  };
  return new Elysia()
    .post("/api/rerank", ({ body }) => rerank(services, body), handlers)
    .post("/v1/rerank", ({ body }) => rerank(services, body), handlers);
}

async function rerank(services: Services, request: RerankRequest): Promise<never> {
  const sent = request.model ?? "";
  if (sent === "") throw new AppError("invalid", "model is required");
  if ((request.query ?? "") === "") throw new AppError("invalid", "query is required");
  const documents = request.documents ?? [];
  if (documents.length === 0) throw new AppError("invalid", "documents is required");
  documents.forEach(checkDocument);
  if (request.top_n !== undefined && request.top_n < 1) throw new AppError("invalid", "top_n must be at least 1");
  await openNamed(services, sent);
  throw new AppError("invalid", `${JSON.stringify(sent)} does not support rerank`);
}

function checkDocument(document: unknown, index: number): void {
  const isText = typeof document === "string";
  const hasText =
    typeof document === "object" && document !== null && "text" in document && typeof document.text === "string";
  if (!isText && !hasText)
    throw new AppError("invalid", `documents[${index}] must be a text or an object with a "text"`);
}
