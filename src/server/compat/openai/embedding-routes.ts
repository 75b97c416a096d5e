// POST /v1/embeddings (spec 3.12).

import { Elysia } from "elysia";
import { type EmbeddingsList, EmbeddingsRequest } from "../../../api/openai/embeddings.ts";
import { AppError } from "../../../base/errors.ts";
import { jsonBody } from "../../body.ts";
import { embedInputs, embedTexts } from "../../embeddings.ts";
import { jsonResponse } from "../../errors.ts";
import { openForEmbedding } from "../../routes/embed.ts";
import type { Services } from "../../services.ts";
import { answering, PLAIN_JSON } from "./errors.ts";
import { endOf } from "../../request-context.ts";

export function openAIEmbeddingRoutes(services: Services) {
  return new Elysia().post("/v1/embeddings", ({ body, request }) => embed(services, body, endOf(request)), {
    parse: jsonBody(EmbeddingsRequest),
    body: EmbeddingsRequest,
    detail: { summary: "Embed texts", tags: ["openai"] },
  });
}

function embed(services: Services, request: EmbeddingsRequest, signal: AbortSignal): Promise<Response> {
  const format = request.encoding_format ?? "";
  const isBase64 = format.toLowerCase() === "base64";
  if (format !== "" && format.toLowerCase() !== "float" && !isBase64) {
    throw new AppError(
      "invalid",
      `Invalid value for 'encoding_format' = ${format}. Supported values: ['float', 'base64'].`,
    );
  }
  const { input } = request;
  if (input === undefined || (Array.isArray(input) && input.length === 0))
    throw new AppError("invalid", "invalid input");
  return answering(async () => {
    const sent = request.model ?? "";
    const wish = {
      // An empty text is a text to embed here; in /api/embed it is none.
      inputs: input === "" ? [""] : embedInputs(input),
      truncate: true,
      dimensions: request.dimensions,
      options: {},
      keepAliveMs: undefined,
    };
    const { vectors, promptTokens } = await embedTexts(await openForEmbedding(services, sent), wish, signal);
    const list: EmbeddingsList = {
      object: "list",
      data: vectors.map((vector, index) => ({
        object: "embedding",
        embedding: isBase64 ? floatsToBase64(vector) : [...vector],
        index,
      })),
      model: sent,
      usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    };
    return jsonResponse(list, 200, { "content-type": PLAIN_JSON });
  });
}

/** Little-endian float32. */
export function floatsToBase64(vector: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  vector.forEach((value, index) => bytes.setFloat32(index * 4, value, true));
  return Buffer.from(bytes.buffer).toString("base64");
}
