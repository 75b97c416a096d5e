// AppError → OpenAI's error shape (spec 3.01).

import type { OpenAIError } from "../../../api/openai/shared.ts";
import { toAppError } from "../../../base/errors.ts";
import { faultHeaders, JSON_TYPE, jsonResponse, publicError, STATUS } from "../../errors.ts";
import type { SseItem } from "../../stream.ts";

/** What Ollama's middleware puts on an answer (a request it refuses itself says charset=utf-8 as well). */
export const PLAIN_JSON = "application/json";

export function openAIErrorBody(error: unknown): OpenAIError {
  const { fault, message } = publicError(error);
  return { error: { message, type: typeOf(STATUS[fault]), param: null, code: CODES[STATUS[fault]] ?? null } };
}

/** What OpenAI's own clients and their wrappers tell apart by. */
const CODES: Readonly<Record<number, string>> = { 401: "invalid_api_key", 429: "insufficient_quota" };

function typeOf(status: number): string {
  if (status === 429) return "insufficient_quota";
  if (status === 401) return "invalid_request_error";
  if (status === 404) return "not_found_error";
  return status === 400 || status === 413 ? "invalid_request_error" : "api_error";
}

export function openAIErrorResponse(error: unknown, type = JSON_TYPE): Response {
  const headers = { ...faultHeaders(error), "content-type": type };
  return jsonResponse(openAIErrorBody(error), STATUS[toAppError(error).fault], headers);
}

/** Runs what follows a request that is well formed; its errors look as the ones behind Ollama's middleware do. */
export async function answering(run: () => Promise<Response>): Promise<Response> {
  try {
    return await run();
  } catch (error) {
    return openAIErrorResponse(error, PLAIN_JSON);
  }
}

/** The end of a stream that broke. */
export function brokenStream(error: unknown): SseItem[] {
  return [{ data: openAIErrorBody(error) }, { data: "[DONE]" }];
}
