// POST /api/rerank and /v1/rerank: documents in the order in which they answer a query. Not in Ollama; the fields are those
// of Cohere's and Jina's APIs.

import { Elysia } from "elysia";
import { decodeOptions } from "../../api/schema/options.ts";
import { RerankRequest, type RerankResponse } from "../../api/schema/rerank.ts";
import { keepAliveMs } from "../../api/go-types.ts";
import { AppError } from "../../base/errors.ts";
import { jsonBody } from "../body.ts";
import { jsonResponse } from "../errors.ts";
import { openNamed } from "../model-reference.ts";
import type { Services } from "../services.ts";
import { endOf } from "../request-context.ts";

export function rerankRoutes(services: Services) {
  const handlers = {
    parse: jsonBody(RerankRequest),
    body: RerankRequest,
    detail: { summary: "Sort documents by how well they answer a query", tags: ["rerank"] },
  };
  return new Elysia()
    .post("/api/rerank", ({ body, request }) => rerank(services, body, endOf(request)), handlers)
    .post("/v1/rerank", ({ body, request }) => rerank(services, body, endOf(request)), handlers);
}

async function rerank(services: Services, request: RerankRequest, signal: AbortSignal): Promise<Response> {
  const { model: sent = "", query = "", top_n: most, return_documents: withText } = request;
  if (sent === "") throw new AppError("invalid", "model is required");
  if (query === "") throw new AppError("invalid", "query is required");
  const documents = (request.documents ?? []).map(documentText);
  if (documents.length === 0) throw new AppError("invalid", "documents is required");
  if (most !== undefined && most < 1) throw new AppError("invalid", "top_n must be at least 1");
  const question = {
    query,
    documents,
    options: decodeOptions(request.options),
    keepAliveMs: keepAliveMs(request.keep_alive),
  };
  const model = await openNamed(services, sent);
  if (!model.abilities.rerank) throw new AppError("invalid", `${JSON.stringify(sent)} does not support rerank`);
  const { scores, promptTokens } = await model.rerank(question, signal);
  if (!scores.every(Number.isFinite)) throw new AppError("invalid", "a score is NaN or Inf");
  const results = scores
    .map((score, index) => ({ index, relevance_score: score }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    .slice(0, most)
    .map((result) => (withText === true ? { ...result, document: { text: documents[result.index] ?? "" } } : result));
  const response: RerankResponse = {
    model: sent,
    results,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
  return jsonResponse(response);
}

function documentText(document: unknown, index: number): string {
  if (typeof document === "string") return document;
  const hasText =
    typeof document === "object" && document !== null && "text" in document && typeof document.text === "string";
  if (hasText) return document.text as string;
  throw new AppError("invalid", `documents[${index}] must be a text or an object with a "text"`);
}
