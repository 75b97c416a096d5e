// The OCI v2 verbs against one endpoint and repository: signing in on 401, retries on 429 and 5xx, Ollama's error texts.

import type { Digest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { logDebug } from "../base/log.ts";
import { MANIFEST_TYPE } from "../models/manifest.ts";
import { backOff, retryAfterMs } from "./backoff.ts";
import { fetchToken, parseChallenge } from "./challenge.ts";
import type { Endpoint } from "./mirrors.ts";
import { readErrorText, readLimited, type RemoteHttp, type RemoteRequest, type RemoteResponse } from "./remote-http.ts";
import type { SigningKey } from "./signing-key.ts";

/** Manifests are some kilobytes; one that is not is an attack. */
const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

export interface ClientOptions {
  readonly http: RemoteHttp;
  readonly endpoint: Endpoint;
  /** "namespace/model". */
  readonly repository: string;
  readonly key: () => Promise<SigningKey>;
  readonly backoffMs: number;
  readonly tries: number;
}

export type Verb = Pick<RemoteRequest, "method" | "url" | "headers" | "body" | "redirects" | "headTimeoutMs">;

export class RegistryClient {
  #token: string | undefined;
  #signingIn: Promise<string> | undefined;

  constructor(readonly options: ClientOptions) {
    this.#token = options.endpoint.token;
  }

  get origin(): URL {
    return this.options.endpoint.origin;
  }

  url(path: string): URL {
    const { origin } = this.options.endpoint;
    return new URL(`${origin.pathname.replace(/\/+$/, "")}/v2/${this.options.repository}/${path}`, origin);
  }

  blobUrl(digest: Digest): URL {
    return this.url(`blobs/${digest}`);
  }

  /** The manifest's bytes as they came. */
  async manifest(tag: string, signal: AbortSignal): Promise<Buffer> {
    const headers = { accept: MANIFEST_TYPE };
    const answer = await this.send({ method: "GET", url: this.url(`manifests/${tag}`), headers }, signal);
    return readLimited(answer, MAX_MANIFEST_BYTES);
  }

  async putManifest(tag: string, bytes: string, signal: AbortSignal): Promise<void> {
    const headers = { "content-type": MANIFEST_TYPE };
    const url = this.url(`manifests/${tag}`);
    (await this.send({ method: "PUT", url, headers, body: () => bytes, headTimeoutMs: 60_000 }, signal)).close();
  }

  async hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean> {
    try {
      (await this.send({ method: "HEAD", url: this.blobUrl(digest) }, signal)).close();
      return true;
    } catch (error) {
      if (error instanceof AppError && error.fault === "not-found") return false;
      throw error;
    }
  }

  /** Sends until an answer below 400 comes. `not-found` on 404, `unauthorized` when signing in does not help. */
  async send(verb: Verb, signal: AbortSignal, tries = this.options.tries): Promise<RemoteResponse> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#signedIn(verb, signal);
      } catch (error) {
        if (!(error instanceof AppError) || error.fault !== "busy" || attempt + 1 >= tries) throw error;
        logDebug("registry request failed, trying again", { url: verb.url.origin, error: error.message });
        await backOff(attempt, this.options.backoffMs, signal, (error.retryAfterSeconds ?? 0) * 1000);
      }
    }
  }

  async #signedIn(verb: Verb, signal: AbortSignal): Promise<RemoteResponse> {
    for (let signIns = 0; ; signIns++) {
      const answer = await this.once(verb, signal);
      const { response } = answer;
      if (response.status < 400) return answer;
      if (response.status !== 401) throw await refusal(answer);
      answer.close();
      if (signIns > 0) throw new AppError("unauthorized", "unauthorized: access denied");
      await this.signIn(response, answer.url, signal);
    }
  }

  /** One request, whatever the answer. The token goes only to the endpoint's own origin. */
  once(verb: Verb, signal: AbortSignal): Promise<RemoteResponse> {
    const { http, endpoint } = this.options;
    const isOwn = verb.url.origin === endpoint.origin.origin;
    const authorization = isOwn && this.#token !== undefined ? `Bearer ${this.#token}` : undefined;
    return http.request({ ...verb, authorization, trusted: endpoint.trusted, signal });
  }

  /** Answers the challenge of a 401; requests that fail at the same time share one sign-in. */
  async signIn(response: Response, from: URL, signal: AbortSignal): Promise<void> {
    const { http, endpoint } = this.options;
    const challenge = parseChallenge(response.headers.get("www-authenticate") ?? "");
    if (challenge === undefined || !http.options.sameOrigin(from, endpoint.origin))
      throw new AppError("unauthorized", "unauthorized: access denied");
    this.#signingIn ??= (async () => {
      const key = endpoint.isMirror ? undefined : await this.options.key();
      return fetchToken(challenge, { http, registry: endpoint.origin, trusted: endpoint.trusted, key, signal });
    })();
    try {
      this.#token = await this.#signingIn;
    } finally {
      this.#signingIn = undefined;
    }
  }
}

const WORTH_RETRYING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An answer of 400 and above as an error in Ollama's words (server/images.go, makeRequestWithRetry). */
export async function refusal(answer: RemoteResponse): Promise<AppError> {
  const { status } = answer.response;
  const retryAfterSeconds = retryAfterMs(answer.response) / 1000;
  const text = await readErrorText(answer);
  if (status === 404) return new AppError("not-found", "file does not exist");
  return new AppError(WORTH_RETRYING.has(status) ? "busy" : "internal", `${status}: ${text}`, { retryAfterSeconds });
}
