// POST /api/tokenize and /api/detokenize: what a model makes of a text. Not in Ollama.

import { Elysia } from "elysia";
import { DetokenizeRequest, TokenizeRequest } from "../../api/schema/tokens.ts";
import { AppError } from "../../base/errors.ts";
import { jsonBody } from "../body.ts";
import { jsonResponse } from "../errors.ts";
import { openNamed } from "../model-reference.ts";
import type { Services } from "../services.ts";
import { endOf } from "../request-context.ts";

export function tokenRoutes(services: Services) {
  const open = (sent: string) => {
    if (sent === "") throw new AppError("invalid", "model is required");
    return openNamed(services, sent);
  };
  return new Elysia()
    .post(
      "/api/tokenize",
      async ({ body, request }) => {
        const model = body.model ?? "";
        const tokens = await (await open(model)).tokenize(body.text ?? body.content ?? "", endOf(request));
        return jsonResponse({ model, tokens });
      },
      {
        parse: jsonBody(TokenizeRequest),
        body: TokenizeRequest,
        detail: { summary: "Text to token ids", tags: ["tokens"] },
      },
    )
    .post(
      "/api/detokenize",
      async ({ body, request }) => {
        const model = body.model ?? "";
        const tokens = body.tokens ?? [];
        if (tokens.some((token) => token < 0 || token > 0x7f_ff_ff_ff)) {
          throw new AppError("invalid", "tokens must be ids of the model's vocabulary");
        }
        const text = await (await open(model)).detokenize(tokens, endOf(request));
        return jsonResponse({ model, text });
      },
      {
        parse: jsonBody(DetokenizeRequest),
        body: DetokenizeRequest,
        detail: { summary: "Token ids to text", tags: ["tokens"] },
      },
    );
}
