// One HTTP exchange with an engine elsewhere: limited waiting, limited sizes, no redirects, verified TLS, and a connection that
// is closed the moment nobody waits for its answer. Connections are pooled by the runtime.

import { AppError } from "../../base/errors.ts";
import { isLoopback } from "../../base/host.ts";
import { VERSION } from "../../version.ts";
import {
  EngineFailure,
  isWebPage,
  type Place,
  quoted,
  refusalFailure,
  tooSlow,
  transportFailure,
  unreadable,
  webPage,
} from "./failure.ts";

export interface Access {
  readonly key: string | undefined;
  /** Certificate authorities instead of the built-in ones. */
  readonly authorities: string | undefined;
}

export interface Limits {
  readonly connectMs: number;
  readonly firstMs: number;
  readonly gapMs: number;
}

export interface Call {
  readonly url: string;
  /** Sent as JSON, by POST; without one it is a GET. */
  readonly body?: unknown;
  readonly accept: string;
  /** Models the engine is known to serve, for errors. */
  readonly serves?: readonly string[];
}

interface Silence {
  readonly what: string;
  readonly limitMs: number;
  readonly setting: string;
}

const MAX_REFUSAL_BYTES = 64 * 1024;
/** Thousands of embeddings of thousands of numbers. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;

/** Ends a call when its caller leaves or when nothing comes for too long. */
class Patience implements Disposable {
  readonly #control = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardMs = 0;
  readonly #leave: () => void;

  constructor(
    private readonly place: Place,
    private readonly caller: AbortSignal,
  ) {
    this.#leave = () => this.#control.abort(caller.reason);
    if (caller.aborted) this.#leave();
    else caller.addEventListener("abort", this.#leave, { once: true });
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }

  /** From now on, this much silence ends the call. */
  allow({ what, limitMs, setting }: Silence): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!Number.isFinite(limitMs)) return;
    this.heard();
    const look = () => {
      const leftMs = limitMs - (performance.now() - this.#heardMs);
      if (leftMs > 0) this.#timer = setTimeout(look, leftMs);
      else this.#control.abort(tooSlow(this.place, what, limitMs, setting));
    };
    this.#timer = setTimeout(look, limitMs);
  }

  /** Something came: the silence begins anew. Noted only, since moving the timer with every token would cost more. */
  heard(): void {
    this.#heardMs = performance.now();
  }

  /** What an error of fetch or of a body means. */
  explain(error: unknown): AppError {
    if (error instanceof AppError) return error;
    const { reason }: { reason: unknown } = this.signal;
    if (this.caller.aborted) return new AppError("canceled", "canceled", { cause: error });
    return reason instanceof EngineFailure ? reason : transportFailure(this.place, error);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.caller.removeEventListener("abort", this.#leave);
    // Closes the connection if the answer has not been read to its end.
    this.#control.abort();
  }
}

/** A whole JSON answer. Throws for a status that is no success. */
export async function askJson(
  place: Place,
  access: Access,
  call: Call,
  silence: Silence,
  caller: AbortSignal,
): Promise<unknown> {
  using patience = new Patience(place, caller);
  patience.allow(silence);
  const response = await send(place, access, call, patience);
  const text = new TextDecoder().decode(await readBody(place, response, patience, MAX_JSON_BYTES));
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    const page = isWebPage(response.headers.get("content-type") ?? "", text);
    throw unreadable(place, page ? `sent ${webPage(text)}` : `sent no JSON: ${quoted(text)}`, error);
  }
}

export interface AnswerStream {
  readonly contentType: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The first token is there: silence is measured between tokens from now on. */
  begun(): void;
}

/** A streamed answer, read while `use` runs; the connection ends with it. */
export async function* askStream<T>(
  place: Place,
  access: Access,
  call: Call,
  limits: Limits,
  caller: AbortSignal,
  use: (stream: AnswerStream) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  using patience = new Patience(place, caller);
  patience.allow({ what: "sent no token", limitMs: limits.firstMs, setting: "OLLAMA_REMOTE_FIRST_TIMEOUT" });
  const response = await send(place, access, call, patience);
  let begun = false;
  const chunks = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of response.body ?? []) {
        // Before the first token only that token counts: an engine may keep a connection alive with comments.
        if (begun) patience.heard();
        yield chunk;
      }
    } catch (error) {
      throw inTheMiddle(place, patience.explain(error), begun);
    }
  };
  yield* use({
    contentType: response.headers.get("content-type") ?? "",
    chunks: chunks(),
    begun() {
      if (begun) return;
      begun = true;
      const what = "was silent in the middle of its answer: nothing came";
      patience.allow({ what, limitMs: limits.gapMs, setting: "OLLAMA_REMOTE_GAP_TIMEOUT" });
    },
  });
}

/** A connection that breaks late is told apart from an engine that is not there. */
function inTheMiddle(place: Place, error: AppError, begun: boolean): AppError {
  if (!begun || !(error instanceof EngineFailure) || !error.message.startsWith("cannot reach")) return error;
  return unreadable(place, "broke off in the middle of its answer", error.cause);
}

async function send(place: Place, access: Access, call: Call, patience: Patience): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(call.url, requestOf(access, call, patience.signal));
  } catch (error) {
    throw patience.explain(error);
  }
  if (response.ok) return response;
  const body = await readBody(place, response, patience, MAX_REFUSAL_BYTES, true).catch(() => new Uint8Array());
  throw refusalFailure(place, {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    retryAfter: response.headers.get("retry-after"),
    location: response.headers.get("location"),
    body: new TextDecoder().decode(body),
    serves: call.serves ?? [],
  });
}

function requestOf(access: Access, { url, body, accept }: Call, signal: AbortSignal): BunFetchRequestInit {
  const { key, authorities } = access;
  return {
    method: body === undefined ? "GET" : "POST",
    headers: {
      accept,
      "accept-encoding": "identity",
      "user-agent": `ollama/${VERSION}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // A redirect could lead to a host that nobody allowed, and would take the key along.
    redirect: "manual",
    decompress: false,
    // Silence is measured by Patience.
    timeout: false,
    signal,
    ...(authorities === undefined ? {} : { tls: { ca: authorities } }),
    ...(isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, "")) ? { proxy: false as const } : {}),
  };
}

async function readBody(
  place: Place,
  response: Response,
  patience: Patience,
  limitBytes: number,
  cut = false,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= limitBytes) continue;
      if (cut) break;
      throw unreadable(place, `sent an answer of more than ${limitBytes} bytes`);
    }
  } catch (error) {
    throw patience.explain(error);
  }
  return Buffer.concat(chunks).subarray(0, limitBytes);
}
