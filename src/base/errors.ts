// The one error class. A fault says what kind of failure it is; each edge (HTTP, CLI, IPC) maps faults once.

export type Fault =
  | "invalid" // the caller sent something wrong
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "too-large"
  | "over-budget" // what this caller may use is used up
  | "busy" // try again later
  | "canceled" // the caller went away
  | "unsupported" // well formed, but this model or build cannot do it
  | "upstream" // another server that this one asks failed
  | "internal";

export interface ErrorFacts {
  cause?: unknown;
  /** Seconds after which a retry may succeed. */
  retryAfterSeconds?: number;
}

export class AppError extends Error {
  override readonly name = "AppError";
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly fault: Fault,
    message: string,
    facts: ErrorFacts = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

/** Any thrown value as an AppError; what is not one already becomes `internal` and keeps its message. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof Error) {
    const fault = error.name === "AbortError" ? "canceled" : "internal";
    return new AppError(fault, error.message, { cause: error });
  }
  return new AppError("internal", String(error));
}
