// AppError → status and body: the only place that knows HTTP statuses.

import { AppError, type Fault, toAppError } from "../base/errors.ts";
import { goJson } from "../base/go-encode.ts";
import { logError } from "../base/log.ts";

export const STATUS = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  "too-large": 413,
  "over-budget": 429,
  canceled: 499,
  internal: 500,
  unsupported: 501,
  upstream: 502,
  busy: 503,
} as const satisfies Record<Fault, number>;

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "; make room on the disk that holds the models and try again",
  EDQUOT: "; make room on the disk that holds the models and try again",
  EACCES: "; the user that the server runs as must be allowed to read and write its models",
  EPERM: "; the user that the server runs as must be allowed to read and write its models",
  EMFILE: "; the server has too many files open, try again later",
  ENFILE: "; the system has too many files open, try again later",
};

/**
 * What a client may read of an error. The system's own messages name files, and with them the user (threat o#13223): of
 * those the reason stays, and what to do about it. The log keeps the whole.
 */
export function publicError(error: unknown): AppError {
  const known = toAppError(error);
  const { cause } = known;
  if (!(cause instanceof Error) || !("syscall" in cause) || known.message !== cause.message) return known;
  const reason = /^[A-Z0-9]+: ([^,]+)/.exec(cause.message)?.[1] ?? "the system refused";
  const code = "code" in cause ? String(cause.code) : "";
  return new AppError(known.fault, reason + (ADVICE[code] ?? ""), { cause });
}

export const JSON_TYPE = "application/json; charset=utf-8";

export function jsonResponse(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(goJson(value), { status, headers: { "content-type": JSON_TYPE, ...headers } });
}

/** Any thrown value in the native dialect: {"error": "…"}. */
export function errorResponse(error: unknown): Response {
  const known = publicError(error);
  if (known.fault === "internal") logError("request failed", { error: known.message, cause: causeOf(known) });
  return jsonResponse({ error: known.message }, STATUS[known.fault], faultHeaders(known));
}

/** Headers that an error brings along in every dialect. */
export function faultHeaders(error: unknown): Record<string, string> {
  const retry = toAppError(error).retryAfterSeconds;
  return retry === undefined ? {} : { "retry-after": String(retry) };
}

function causeOf(error: AppError): string | undefined {
  return error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : undefined;
}
