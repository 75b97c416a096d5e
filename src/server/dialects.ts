// Which API a path belongs to, so that an error comes in the shape its clients read.

import { anthropicErrorResponse } from "./compat/anthropic/errors.ts";
import { openAIErrorResponse } from "./compat/openai/errors.ts";
import { errorResponse } from "./errors.ts";

export function errorInDialect(path: string, error: unknown): Response {
  if (path === "/v1/messages" || path.startsWith("/v1/messages/")) return anthropicErrorResponse(error);
  if (path.startsWith("/v1/")) return openAIErrorResponse(error);
  return errorResponse(error);
}
