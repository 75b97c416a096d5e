// AppError → Anthropic's error shape (spec 3.21).

import type { AnthropicError } from "../../../api/anthropic.ts";
import { toAppError } from "../../../base/errors.ts";
import { faultHeaders, JSON_TYPE, jsonResponse, publicError, STATUS } from "../../errors.ts";
import type { SseItem } from "../../stream.ts";

const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
};

export function anthropicId(prefix: "msg" | "req"): string {
  return `${prefix}_${Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("hex")}`;
}

export function anthropicErrorBody(error: unknown): AnthropicError {
  const { fault, message } = publicError(error);
  return {
    type: "error",
    error: { type: TYPES[STATUS[fault]] ?? "api_error", message },
    request_id: anthropicId("req"),
  };
}

export function anthropicErrorResponse(error: unknown, type = JSON_TYPE): Response {
  const body = anthropicErrorBody(error);
  const headers = { ...faultHeaders(error), "request-id": body.request_id ?? "", "content-type": type };
  return jsonResponse(body, STATUS[toAppError(error).fault], headers);
}

/** The end of a stream that broke. */
export function brokenMessage(error: unknown): SseItem[] {
  return [{ event: "error", data: anthropicErrorBody(error) }];
}
