// The typed client of the HTTP API, used by the command line and by tests. Messages are those of Ollama's client: an error
// of a streaming endpoint begins with the HTTP status, one of a plain JSON endpoint does not (api/client.go).

import { AppError, type Fault, toAppError } from "../base/errors.ts";
import { isLoopback } from "../base/host.ts";
import { MAX_LINE_BYTES, readLines } from "./ndjson.ts";
import {
  type AccessStatus,
  type ChatChunk,
  chatChunk,
  embedResponse,
  type GenerateChunk,
  generateChunk,
  isRecord,
  listResponse,
  processResponse,
  progressResponse,
  showResponse,
  statusResponse,
  usageResponse,
  versionResponse,
} from "./responses.ts";
import type { ChatRequest, GenerateRequest } from "./schema/generate.ts";
import type {
  CopyRequest,
  CreateRequest,
  DeleteRequest,
  ListResponse,
  ProcessResponse,
  ProgressResponse,
  ShowRequest,
  ShowResponse,
} from "./schema/models.ts";
import type { UsageResponse } from "./schema/usage.ts";

export interface ClientOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly userAgent: string;
  /** Asked for each request: what the server is shown, as an Authorization header. */
  readonly authorization?: () => string | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Instead of what the client is set to show. */
  readonly authorization?: string;
}

export interface TransferRequest {
  readonly model: string;
  readonly insecure: boolean;
}

export interface EmbedQuestion {
  readonly model: string;
  readonly input: string;
  readonly keep_alive?: unknown;
  readonly truncate?: boolean;
  readonly dimensions?: number;
}

const NO_SERVER = "could not connect to ollama server, run 'ollama serve' to start it";

/** Nothing listens there, as opposed to a server that cannot be reached or does not answer. */
export function isNoServer(error: unknown): boolean {
  return error instanceof AppError && error.message === NO_SERVER;
}

/** The answer to a HEAD request has no words of its own. */
const NO_KEY =
  "the server asks for an API key, or does not know the one it was sent: set OLLAMA_API_KEY (ollama key create, on the server, makes one)";
const NO_REASON = "something went wrong, please see the ollama server logs for details";

/** No answer but a stream is larger: a verbose `show` of a model with a very large vocabulary stays far below. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

interface Request {
  readonly method: "GET" | "HEAD" | "POST" | "DELETE";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly upload?: ReadableStream<Uint8Array>;
}

export class Client {
  readonly #base: string;
  readonly #userAgent: string;
  readonly #isLocal: boolean;
  readonly #authorization: () => string | undefined;

  constructor({ baseUrl, userAgent, authorization = () => undefined }: ClientOptions) {
    this.#base = baseUrl;
    this.#userAgent = userAgent;
    this.#authorization = authorization;
    this.#isLocal = isLoopback(new URL(baseUrl).hostname.replace(/^\[|\]$/g, ""));
  }

  /** Resolves if a server answers. Throws the hint how to start one where nothing listens. */
  async heartbeat(options: CallOptions = {}): Promise<void> {
    await this.#call({ method: "HEAD", path: "/" }, options);
  }

  async version(options: CallOptions = {}): Promise<string> {
    return versionResponse(await this.#call({ method: "GET", path: "/api/version" }, options), "").version;
  }

  async list(options: CallOptions = {}): Promise<ListResponse> {
    return listResponse(await this.#call({ method: "GET", path: "/api/tags" }, options), "");
  }

  async listRunning(options: CallOptions = {}): Promise<ProcessResponse> {
    return processResponse(await this.#call({ method: "GET", path: "/api/ps" }, options), "");
  }

  /** How open the server is; undefined where it does not say. */
  async accessStatus(options: CallOptions = {}): Promise<AccessStatus | undefined> {
    return statusResponse(await this.#call({ method: "GET", path: "/api/status" }, options), "").access;
  }

  async usage(options: CallOptions = {}): Promise<UsageResponse> {
    return usageResponse(await this.#call({ method: "GET", path: "/api/usage" }, options), "");
  }

  async show(body: ShowRequest, options: CallOptions = {}): Promise<ShowResponse> {
    return showResponse(await this.#call({ method: "POST", path: "/api/show", body }, options), "");
  }

  async copy(body: CopyRequest, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: "POST", path: "/api/copy", body }, options);
  }

  async remove(body: DeleteRequest, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: "DELETE", path: "/api/delete", body }, options);
  }

  /** The first embedding; undefined if there is none. */
  async embed(body: EmbedQuestion, options: CallOptions = {}): Promise<number[] | undefined> {
    return embedResponse(await this.#call({ method: "POST", path: "/api/embed", body }, options), "").embeddings[0];
  }

  /** Who is signed in at ollama.com, as far as that server knows. */
  async whoAmI(options: CallOptions = {}): Promise<void> {
    await this.#call({ method: "POST", path: "/api/me" }, options);
  }

  /** The server's models directory; undefined unless it runs on this machine, and says so. */
  async modelsDirectory(options: CallOptions = {}): Promise<string | undefined> {
    if (!this.#isLocal) return undefined;
    const response = await this.#send({ method: "GET", path: "/api/store" }, "application/json", options);
    const answer = await this.#readAll(response, options);
    const value = response.ok ? parseJson(answer) : undefined;
    const directory = isRecord(value) ? value["models"] : undefined;
    return typeof directory === "string" && directory !== "" ? directory : undefined;
  }

  async hasBlob(digest: string, options: CallOptions = {}): Promise<boolean> {
    const response = await this.#send({ method: "HEAD", path: `/api/blobs/${digest}` }, "application/json", options);
    return response.ok;
  }

  async uploadBlob(digest: string, upload: ReadableStream<Uint8Array>, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: "POST", path: `/api/blobs/${digest}`, upload }, options);
  }

  /** Ends with a chunk that is done; a stream that stops before is an error. */
  async *generate(body: GenerateRequest, options: CallOptions = {}): AsyncGenerator<GenerateChunk, void, undefined> {
    yield* untilDone(this.#stream("/api/generate", body, options), generateChunk);
  }

  async *chat(body: ChatRequest, options: CallOptions = {}): AsyncGenerator<ChatChunk, void, undefined> {
    yield* untilDone(this.#stream("/api/chat", body, options), chatChunk);
  }

  create(body: CreateRequest, options: CallOptions = {}): AsyncGenerator<ProgressResponse, void, undefined> {
    return this.#progress("/api/create", body, options);
  }

  pull(body: TransferRequest, options: CallOptions = {}): AsyncGenerator<ProgressResponse, void, undefined> {
    return this.#progress("/api/pull", body, options);
  }

  push(body: TransferRequest, options: CallOptions = {}): AsyncGenerator<ProgressResponse, void, undefined> {
    return this.#progress("/api/push", body, options);
  }

  async *#progress(
    path: string,
    body: unknown,
    options: CallOptions,
  ): AsyncGenerator<ProgressResponse, void, undefined> {
    for await (const value of this.#stream(path, body, options)) yield progressResponse(value, "");
  }

  async #call(request: Request, options: CallOptions): Promise<unknown> {
    const response = await this.#send(request, "application/json", options);
    const answer = await this.#readAll(response, options);
    if (response.status >= 400) {
      throw new AppError(faultOf(response.status), errorText(answer) || (response.status === 401 ? NO_KEY : NO_REASON));
    }
    if (answer === "") return undefined;
    const value = parseJson(answer);
    if (value === undefined) throw new AppError("internal", `unexpected answer from the server: ${excerpt(answer)}`);
    return value;
  }

  async *#stream(path: string, body: unknown, options: CallOptions): AsyncGenerator<unknown, void, undefined> {
    const response = await this.#send({ method: "POST", path, body }, "application/x-ndjson", options);
    const failed = response.status >= 400;
    for await (const line of readLines(this.#chunks(response, options), MAX_LINE_BYTES)) {
      if (failed) throw statusError(response, errorText(line));
      const value = parseJson(line);
      if (value === undefined) throw new AppError("internal", excerpt(line));
      const error = isRecord(value) ? value["error"] : undefined;
      if (typeof error === "string" && error !== "") throw new AppError("internal", error);
      yield value;
    }
    if (failed) throw statusError(response, "");
  }

  async #send(request: Request, accept: string, options: CallOptions): Promise<Response> {
    const { signal, authorization = this.#authorization() } = options;
    const { method, path, body, upload } = request;
    const content = upload ?? (body === undefined ? undefined : JSON.stringify(body));
    try {
      return await fetch(this.#base + path, {
        method,
        headers: {
          "content-type": "application/json",
          accept,
          "user-agent": this.#userAgent,
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(content === undefined ? {} : { body: content }),
        ...(signal === undefined ? {} : { signal }),
        // A model may take long to load, and longer to answer.
        timeout: false,
        // As in Go, proxies are never asked for this machine's own addresses.
        ...(this.#isLocal ? { proxy: false as const } : {}),
      });
    } catch (error) {
      throw this.#transportError(error, signal);
    }
  }

  async *#chunks(response: Response, { signal }: CallOptions): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of response.body ?? []) yield chunk;
    } catch (error) {
      throw this.#transportError(error, signal);
    }
  }

  async #readAll(response: Response, options: CallOptions): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunks(response, options)) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES)
        throw new AppError("too-large", `the server's answer is larger than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    return new TextDecoder().decode(Buffer.concat(chunks)).trim();
  }

  #transportError(error: unknown, signal: AbortSignal | undefined): AppError {
    if (error instanceof AppError) return error;
    const cause = { cause: error };
    if (signal?.aborted === true) return new AppError("canceled", "canceled", cause);
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    if (code === "ECONNREFUSED" || code === "ConnectionRefused") return new AppError("internal", NO_SERVER, cause);
    if (code === "ECONNRESET" || code === "ConnectionClosed") {
      return new AppError("internal", "lost the connection to the ollama server", cause);
    }
    return new AppError("internal", `could not reach the ollama server at ${this.#base}: ${unreachable(error)}`, cause);
  }
}

function unreachable(error: unknown): string {
  const { message } = toAppError(error);
  return /\b(?:ENOTFOUND|EAI_AGAIN)\b/.test(message) ? "no such host; check OLLAMA_HOST" : message;
}

async function* untilDone<T extends { readonly done: boolean }>(
  source: AsyncIterable<unknown>,
  read: (value: unknown, field: string) => T,
): AsyncGenerator<T, void, undefined> {
  let isDone = false;
  for await (const value of source) {
    const chunk = read(value, "");
    isDone = chunk.done;
    yield chunk;
  }
  if (!isDone) throw new AppError("internal", "the server ended its answer too early");
}

/** undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** The `error` of a body; the whole body where it is something else. */
function errorText(body: string): string {
  const value = parseJson(body);
  if (!isRecord(value)) return excerpt(body);
  return typeof value["error"] === "string" ? value["error"] : "";
}

function excerpt(body: string): string {
  return body.length > 1000 ? `${body.slice(0, 1000)}…` : body;
}

function statusError(response: Response, message: string): AppError {
  const status = `${response.status} ${response.statusText}`.trim();
  return new AppError(faultOf(response.status), message === "" ? status : `${status}: ${message}`);
}

function faultOf(status: number): Fault {
  const faults: Readonly<Record<number, Fault>> = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    413: "too-large",
    429: "over-budget",
    501: "unsupported",
    503: "busy",
  };
  return faults[status] ?? "internal";
}
