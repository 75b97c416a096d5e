// Signing in to a registry: a 401 names a realm, the realm gives a token for a request signed with the ed25519 key
// (Ollama: server/auth.go). The realm must be the registry itself, so that a registry cannot send us elsewhere.

import { createHash, randomBytes } from "node:crypto";
import { AppError } from "../base/errors.ts";
import { isLoopback } from "../base/host.ts";
import { bareHost, originHost } from "./addresses.ts";
import { type SameOrigin, sameOriginWith } from "./origins.ts";
import { readErrorText, readLimited, type RemoteHttp } from "./remote-http.ts";
import type { SigningKey } from "./signing-key.ts";

const MAX_TOKEN_REPLY_BYTES = 1024 * 1024;

export interface Challenge {
  readonly realm: string;
  readonly service: string;
  readonly scope: string;
}

/** undefined for anything but a Bearer challenge with a realm. */
export function parseChallenge(header: string): Challenge | undefined {
  const bearer = /^\s*bearer\s+([^]*)$/i.exec(header.slice(0, 8192));
  if (bearer === null) return undefined;
  const values = new Map<string, string>();
  for (const match of (bearer[1] ?? "").matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi)) {
    values.set((match[1] ?? "").toLowerCase(), match[2] ?? match[3] ?? "");
  }
  const realm = values.get("realm") ?? "";
  return realm === "" ? undefined : { realm, service: values.get("service") ?? "", scope: values.get("scope") ?? "" };
}

/**
 * Where the token is fetched. Throws `unauthorized` unless the realm is the registry's own host and port (or the same
 * service under its other name), over https, on loopback, or over http as the registry itself (which was then named with insecure).
 */
export function tokenUrl(
  challenge: Challenge,
  registry: URL,
  nowMs: number,
  nonce: string,
  sameOrigin: SameOrigin = sameOriginWith(),
): URL {
  const url = URL.parse(challenge.realm);
  if (url === null) throw new AppError("unauthorized", "the registry's token realm is no URL");
  if (originHost(url) !== originHost(registry) && !sameOrigin(url, registry)) {
    throw new AppError(
      "unauthorized",
      `realm host ${JSON.stringify(url.host)} does not match original host ${JSON.stringify(registry.host)}`,
    );
  }
  const isClear = url.protocol === "http:" && (isLoopback(bareHost(url)) || registry.protocol === "http:");
  if (url.protocol !== "https:" && !isClear) {
    throw new AppError("unauthorized", `realm ${JSON.stringify(url.origin)} is not https`);
  }
  url.username = "";
  url.password = "";
  url.hash = "";
  url.searchParams.append("service", challenge.service);
  for (const scope of challenge.scope.split(" ")) url.searchParams.append("scope", scope);
  url.searchParams.append("ts", String(Math.floor(nowMs / 1000)));
  url.searchParams.append("nonce", nonce);
  url.searchParams.sort();
  return url;
}

const EMPTY_BODY_HASH = Buffer.from(createHash("sha256").digest("hex")).toString("base64");

/** What is signed: method, URL, and the hash of the empty body. */
export function textToSign(url: URL): string {
  return `GET,${url.href},${EMPTY_BODY_HASH}`;
}

export interface SignIn {
  readonly http: RemoteHttp;
  readonly registry: URL;
  readonly trusted: ReadonlySet<string>;
  /** undefined asks as nobody: mirrors never see a signature. */
  readonly key: SigningKey | undefined;
  readonly signal: AbortSignal;
}

export async function fetchToken(challenge: Challenge, signIn: SignIn): Promise<string> {
  const { http, registry, trusted, key, signal } = signIn;
  const url = tokenUrl(challenge, registry, Date.now(), randomBytes(16).toString("base64url"), http.options.sameOrigin);
  const authorization = key?.sign(textToSign(url));
  const answer = await http.request({ method: "GET", url, authorization, trusted, signal, redirects: "none" });
  const { status } = answer.response;
  if (status >= 300) {
    const text = await readErrorText(answer);
    throw new AppError("unauthorized", text === "" ? String(status) : `${status}: ${text}`);
  }
  const token = tokenIn((await readLimited(answer, MAX_TOKEN_REPLY_BYTES)).toString("utf8"));
  if (token === undefined) throw new AppError("unauthorized", "the registry's token reply holds no token");
  return token;
}

function tokenIn(text: string): string | undefined {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof reply !== "object" || reply === null) return undefined;
  const { token, access_token } = reply as Readonly<Record<string, unknown>>;
  return [token, access_token].find(
    (value): value is string => typeof value === "string" && /^[\x21-\x7e]+$/.test(value),
  );
}
