// Every request that leaves this machine: guarded addresses, redirects followed by hand and checked again at each step, no
// credentials across origins, no compression, silence and size limited. Errors read as Go's net/http would say them.

import { isIP } from "node:net";
import { AppError, toAppError } from "../base/errors.ts";
import { hostPort } from "../base/host.ts";
import { VERSION } from "../version.ts";
import { type AddressGuard, bareHost, originHost } from "./addresses.ts";
import type { SameOrigin } from "./origins.ts";
import { type ProxySettings, proxyFor } from "./proxies.ts";

const MAX_REDIRECTS = 10;
const MAX_ERROR_BYTES = 64 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface RemoteRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PATCH" | "PUT";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  /** Made anew for each attempt. */
  readonly body?: () => AsyncIterable<Uint8Array> | string;
  /** host:port pairs that may be private. */
  readonly trusted: ReadonlySet<string>;
  readonly redirects?: "follow" | "none";
  readonly signal: AbortSignal;
  /** Longest wait for the answer's head; bodies are timed by who reads them. Undefined while a body is being sent. */
  readonly headTimeoutMs?: number | undefined;
}

export interface RemoteResponse {
  readonly response: Response;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Closes the connection. */
  close(): void;
}

/** A failure below HTTP: `busy` when another try may go better, `internal` when it will not. */
function transportError(message: string, isFinal: boolean, cause: unknown): AppError {
  return new AppError(isFinal ? "internal" : "busy", message, { cause });
}

export interface RemoteHttpOptions {
  readonly guard: AddressGuard;
  readonly proxies: ProxySettings;
  /** Certificate authorities instead of the built-in ones (SSL_CERT_FILE). */
  readonly authorities?: string | undefined;
  readonly headTimeoutMs: number;
  /** Whether what one address was trusted with may go to the other. */
  readonly sameOrigin: SameOrigin;
}

const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const GO_OS: Readonly<Record<string, string>> = { win32: "windows" };

/** In Ollama's form: registries compare the version in it (Ollama: server/images.go, makeRequest). */
export const USER_AGENT = `ollama/${VERSION} (${GO_ARCH[process.arch] ?? process.arch} ${GO_OS[process.platform] ?? process.platform}) Go/go1.26.0`;

export class RemoteHttp {
  constructor(readonly options: RemoteHttpOptions) {}

  async request(request: RemoteRequest): Promise<RemoteResponse> {
    let url = request.url;
    let authorization = request.authorization;
    for (let hops = 0; ; hops++) {
      const answer = await this.#once({ ...request, url, authorization });
      const location = answer.response.headers.get("location");
      const isRedirect = REDIRECTS.has(answer.response.status) && location !== null;
      if (!isRedirect || request.redirects === "none" || request.body !== undefined) return answer;
      answer.close();
      if (hops >= MAX_REDIRECTS) throw new AppError("internal", `stopped after ${MAX_REDIRECTS} redirects`);
      const next = redirectTarget(url, location);
      if (!this.options.sameOrigin(next, url)) authorization = undefined;
      url = next;
    }
  }

  async #once(request: RemoteRequest): Promise<RemoteResponse> {
    const { url, method, trusted } = request;
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw new AppError("invalid", `unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`);
    }
    const describe = (message: string) => `${title(method)} ${JSON.stringify(url.href)}: ${message}`;
    const proxy = proxyFor(url, this.options.proxies);
    let addresses: readonly string[];
    try {
      addresses = await this.options.guard.check(url, trusted);
    } catch (error) {
      const known = toAppError(error);
      // Behind a proxy names may be known to the proxy only; it, not this machine, then decides what is reachable.
      if (proxy === undefined || known.fault === "forbidden")
        throw transportError(describe(known.message), true, error);
      addresses = [bareHost(url)];
    }
    let failure: unknown;
    for (const address of addresses) {
      request.signal.throwIfAborted();
      try {
        return await this.#connect(request, proxy, address);
      } catch (error) {
        request.signal.throwIfAborted();
        failure = error;
      }
    }
    const { text, isFinal } = goReason(failure, url, addresses.at(-1) ?? "");
    throw transportError(describe(text), isFinal, failure);
  }

  async #connect(request: RemoteRequest, proxy: string | undefined, address: string): Promise<RemoteResponse> {
    const { url, method, body, authorization } = request;
    const control = new AbortController();
    const onAbort = () => control.abort(request.signal.reason);
    request.signal.addEventListener("abort", onAbort, { once: true });
    const close = () => {
      request.signal.removeEventListener("abort", onAbort);
      control.abort();
    };
    const limitMs = body === undefined ? (request.headTimeoutMs ?? this.options.headTimeoutMs) : request.headTimeoutMs;
    const timer = limitMs === undefined ? undefined : setTimeout(() => control.abort(HEAD_TIMEOUT), limitMs);
    const target = new URL(url);
    if (proxy === undefined) target.hostname = address.includes(":") ? `[${address}]` : address;
    const { authorities } = this.options;
    const options: BunFetchRequestInit = {
      method,
      headers: {
        host: url.host,
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        ...request.headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      redirect: "manual",
      // A connection of its own: pools are keyed by address, which several names may share, and retries must not reuse one.
      keepalive: false,
      signal: control.signal,
      tls: {
        ...(isIP(bareHost(url)) === 0 ? { serverName: bareHost(url) } : {}),
        ...(authorities === undefined ? {} : { ca: authorities }),
      },
      ...(body === undefined ? {} : { body: bodyOf(body()) }),
      // `false`, not left out: the runtime would else apply the environment's proxy to the address.
      proxy: proxy ?? false,
    };
    try {
      return { response: await fetch(target, options), url, close };
    } catch (error) {
      close();
      throw control.signal.reason === HEAD_TIMEOUT && !request.signal.aborted ? HEAD_TIMEOUT : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

const HEAD_TIMEOUT = new Error("timeout awaiting response headers");

function bodyOf(source: AsyncIterable<Uint8Array> | string): string | ReadableStream<Uint8Array> {
  if (typeof source === "string") return source;
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

function title(method: string): string {
  return method[0] + method.slice(1).toLowerCase();
}

function redirectTarget(from: URL, location: string): URL {
  const next = URL.parse(location, from.href);
  if (next === null) throw new AppError("internal", "the registry redirects to something that is no URL");
  if (from.protocol === "https:" && next.protocol !== "https:") {
    throw transportError(`the registry redirects from https to ${next.protocol.slice(0, -1)}`, true, undefined);
  }
  return next;
}

/** Go's words for what failed, and whether trying again at once is pointless. */
function goReason(error: unknown, url: URL, address: string): { text: string; isFinal: boolean } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const at = hostPort({ hostname: address, port: Number(originHost(url).split(":").at(-1)) });
  if (code === "ECONNREFUSED" || code === "ConnectionRefused")
    return { text: `dial tcp ${at}: connect: connection refused`, isFinal: true };
  if (code.includes("CERT") || code.includes("SSL") || code.includes("TLS"))
    return { text: `tls: failed to verify certificate: ${code}`, isFinal: true };
  if (code === "ECONNRESET" || code === "ConnectionClosed") return { text: "EOF", isFinal: false };
  return { text: error instanceof Error ? error.message : String(error), isFinal: false };
}

/** The whole body, refused when it is longer than `limitBytes`. Closes the connection. */
export async function readLimited(answer: RemoteResponse, limitBytes: number, timeoutMs = 30_000): Promise<Buffer> {
  const timer = setTimeout(() => answer.close(), timeoutMs);
  try {
    const encoding = answer.response.headers.get("content-encoding") ?? "identity";
    if (encoding !== "identity")
      throw new AppError("internal", `unexpected content encoding ${JSON.stringify(encoding)}`);
    const chunks: Uint8Array[] = [];
    let total = 0;
    for await (const chunk of answer.response.body ?? []) {
      total += chunk.byteLength;
      if (total > limitBytes) throw new AppError("internal", `the answer is larger than ${limitBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw transportError("unexpected EOF", false, error);
  } finally {
    clearTimeout(timer);
    answer.close();
  }
}

/** What a refusal says, for messages: cut, never a reason to fail. */
export async function readErrorText(answer: RemoteResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const timer = setTimeout(() => answer.close(), 5000);
  try {
    for await (const chunk of answer.response.body ?? []) {
      chunks.push(chunk);
      total += chunk.byteLength;
      if (total >= MAX_ERROR_BYTES) break;
    }
  } catch {
    // What arrived is enough.
  } finally {
    clearTimeout(timer);
    answer.close();
  }
  return Buffer.concat(chunks).subarray(0, MAX_ERROR_BYTES).toString("utf8");
}
