// POST /api/embed and /api/embeddings (spec 2.46–2.48).

import { Elysia } from "elysia";
import { EmbeddingRequest, EmbedRequest, type EmbedResponse } from "../../api/schema/embed.ts";
import { keepAliveMs } from "../../api/go-types.ts";
import { decodeOptions } from "../../api/schema/options.ts";
import { AppError, toAppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import type { AskableModel } from "../../inference/model.ts";
import { jsonBody } from "../body.ts";
import { embedInputs, embedTexts } from "../embeddings.ts";
import { jsonResponse } from "../errors.ts";
import { openNamed } from "../model-reference.ts";
import { present } from "../native-chunks.ts";
import type { Services } from "../services.ts";
import { endOf } from "../request-context.ts";

export function embedRoutes(services: Services) {
  return new Elysia()
    .post("/api/embed", ({ body, request }) => embed(services, body, endOf(request)), {
      parse: jsonBody(EmbedRequest),
      body: EmbedRequest,
      detail: { summary: "Embed texts", tags: ["embed"] },
    })
    .post("/api/embeddings", ({ body, request }) => embedOne(services, body, endOf(request)), {
      parse: jsonBody(EmbeddingRequest),
      body: EmbeddingRequest,
      detail: { summary: "Embed one text (older form)", tags: ["embed"] },
    });
}

/** Embedding routes name an unknown model in words of their own (spec 2.16). */
export async function openForEmbedding(services: Services, sent: string): Promise<AskableModel> {
  if (sent === "") throw new AppError("not-found", "model '' not found");
  const model = await openNamed(services, sent).catch((error: unknown) => {
    if (toAppError(error).fault !== "not-found") throw error;
    throw new AppError("not-found", `model ${goQuote(sent)} not found, try pulling it first`, { cause: error });
  });
  if (model.abilities.rerank) {
    throw new AppError("invalid", `${goQuote(sent)} does not support embeddings: it is a reranker, ask /api/rerank`);
  }
  return model;
}

async function embed(services: Services, request: EmbedRequest, signal: AbortSignal): Promise<Response> {
  const sent = request.model ?? "";
  if (sent.trim() === "") throw new AppError("not-found", `model '${sent}' not found`);
  const inputs = embedInputs(request.input);
  const model = await openForEmbedding(services, sent);
  const wish = {
    inputs,
    truncate: request.truncate ?? true,
    dimensions: request.dimensions,
    options: decodeOptions(request.options),
    keepAliveMs: keepAliveMs(request.keep_alive),
  };
  const { vectors, ...facts } = await embedTexts(model, wish, signal);
  const response: EmbedResponse = {
    model: sent,
    embeddings: vectors.map((vector) => [...vector]),
    ...present({
      total_duration: Math.round(facts.totalMs * 1e6),
      load_duration: Math.round(facts.loadMs * 1e6),
      prompt_eval_count: facts.promptTokens,
    }),
  };
  return jsonResponse(response);
}

async function embedOne(services: Services, request: EmbeddingRequest, signal: AbortSignal): Promise<Response> {
  const sent = request.model ?? "";
  if (sent.trim() === "") throw new AppError("invalid", "model is required");
  const model = await openForEmbedding(services, sent);
  const options = decodeOptions(request.options);
  const keepAlive = keepAliveMs(request.keep_alive);
  const prompt = request.prompt ?? "";
  if (prompt === "") {
    await model.load(options, keepAlive, signal);
    return jsonResponse({ embedding: [] });
  }
  const question = { inputs: [prompt], truncate: false, options, keepAliveMs: keepAlive };
  const { vectors } = await model.embed(question, signal);
  return jsonResponse({ embedding: vectors[0] ?? [] });
}
