// What is known about the request being answered, for what lies too deep to be handed it: log lines, and the model that is asked.
// Set in one place (gate.ts).

import { AsyncLocalStorage } from "node:async_hooks";
import { AppError } from "../base/errors.ts";
import type { Asker } from "../inference/model.ts";

export interface RequestContext {
  readonly id: string;
  readonly asker: Asker;
  /** What answers to this request had to leave out. */
  readonly lost: { promptTokens: number };
  /** May see how the server is set up, and what others have used. */
  readonly isInCharge: boolean;
  /** The id of the key that was shown. */
  readonly keyId: string | undefined;
  /** Tells that so many bytes of its body are kept until it ends. Throws `busy` when all requests together keep too many. */
  readonly keepBody: (bytes: number) => void;
  /** Bodies are written to the log. */
  readonly logsBody: boolean;
  /** Fires when nobody waits for the answer any more, or, with an AppError as its reason, when its key was revoked. */
  readonly end: AbortSignal;
}

const storage = new AsyncLocalStorage<RequestContext>();

export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** What work for this request has to stop at. */
export function endOf(request: Request): AbortSignal {
  return currentRequest()?.end ?? request.signal;
}

/** What ended a request, where that is known better than by the error that came of it. */
export function reasonOf(context: RequestContext | undefined, error: unknown): unknown {
  const reason: unknown = context?.end.reason;
  return reason instanceof AppError ? reason : error;
}

export function within<T>(context: RequestContext, act: () => T): T {
  return storage.run(context, act);
}
