// Where a registry's content may be fetched: its mirrors in the order given, then the registry itself. A mirror gets no
// signature and no upload; what it serves is believed only as far as the digest says.

import { AppError } from "../base/errors.ts";
import { isLoopback } from "../base/host.ts";
import type { ModelName } from "../models/name.ts";
import { bareHost, originHost } from "./addresses.ts";

export interface Endpoint {
  /** Scheme, host and perhaps a path prefix. */
  readonly origin: URL;
  readonly isMirror: boolean;
  /** host:port pairs that requests to this endpoint may reach though they are private. */
  readonly trusted: ReadonlySet<string>;
  /** A token that the user has for this endpoint, sent to no other. */
  readonly token?: string;
}

export interface MirrorSettings {
  /** `host=url,url;host=url`: a part without "host=" is for registry.ollama.ai. */
  readonly mirrors: string;
  /** HF_ENDPOINT: stands in for Hugging Face altogether, as in its own clients. */
  readonly hfEndpoint: string;
  /** HF_TOKEN */
  readonly hfToken: string;
}

const DEFAULT_REGISTRY = "registry.ollama.ai";
const HUGGING_FACE = new Set(["hf.co", "huggingface.co", "www.huggingface.co"]);

/** Throws `invalid` for what cannot be read; called at start so that a mistake shows early. */
export function parseMirrors(text: string): ReadonlyMap<string, readonly URL[]> {
  const mirrors = new Map<string, URL[]>();
  for (const group of text.split(";")) {
    if (group.trim() === "") continue;
    const named = /^\s*([A-Za-z0-9_.:-]+?)\s*=(.*)$/s.exec(group);
    const host = (named?.[1] ?? DEFAULT_REGISTRY).toLowerCase();
    const urls = (named?.[2] ?? group).split(",").filter((url) => url.trim() !== "");
    mirrors.set(host, [
      ...(mirrors.get(host) ?? []),
      ...urls.map((url) => parseOrigin(url, "OLLAMA_REGISTRY_MIRRORS")),
    ]);
  }
  return mirrors;
}

function parseOrigin(text: string, setting: string): URL {
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z]+:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new AppError("invalid", `${setting} holds ${JSON.stringify(trimmed)}, which is no http(s) address`);
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url;
}

/** The endpoints to try for a pull, best first. */
export function endpointsFor(host: string, insecure: boolean, settings: MirrorSettings): readonly Endpoint[] {
  const wanted = host.toLowerCase();
  const mirrors = parseMirrors(settings.mirrors).get(wanted) ?? [];
  const asMirror = (origin: URL): Endpoint => ({ origin, isMirror: true, trusted: new Set([originHost(origin)]) });
  const last =
    HUGGING_FACE.has(wanted) && settings.hfEndpoint !== ""
      ? withHfToken(asMirror(parseOrigin(settings.hfEndpoint, "HF_ENDPOINT")), settings)
      : registryEndpoint(host, insecure, settings);
  return [...mirrors.map(asMirror), last];
}

/** The registry itself: the only place that is signed in to and pushed to. */
export function registryEndpoint(host: string, insecure: boolean, settings: MirrorSettings): Endpoint {
  // Open WebUI says insecure with every pull; these answer over https, and in the clear anybody could change a manifest.
  const isPublic = host.toLowerCase() === DEFAULT_REGISTRY || HUGGING_FACE.has(host.toLowerCase());
  const isPlain = insecure && !isPublic;
  const origin = URL.parse(`${isPlain ? "http" : "https"}://${host}`);
  if (origin === null || origin.host === "") throw new AppError("invalid", "invalid model name");
  // Naming a registry with insecure is what allows it to be a private one.
  const trusted: ReadonlySet<string> = isPlain ? new Set([originHost(origin)]) : new Set();
  return withHfToken({ origin, isMirror: false, trusted }, settings);
}

/** HF_TOKEN for a file or page of Hugging Face, or of what stands in for it; undefined for any other address. */
export function hfTokenFor(url: URL, { hfEndpoint, hfToken }: MirrorSettings): string | undefined {
  const isOwn = HUGGING_FACE.has(url.host.toLowerCase());
  const isStandIn = hfEndpoint !== "" && parseOrigin(hfEndpoint, "HF_ENDPOINT").origin === url.origin;
  // In the clear it would be everybody's on the way.
  const isPrivate = url.protocol === "https:" || isLoopback(bareHost(url));
  return hfToken !== "" && (isOwn || isStandIn) && isPrivate ? hfToken : undefined;
}

function withHfToken(endpoint: Endpoint, settings: MirrorSettings): Endpoint {
  const token = hfTokenFor(endpoint.origin, settings);
  return token === undefined ? endpoint : { ...endpoint, token };
}

/** The path below /v2/. */
export function repositoryOf(name: ModelName): string {
  return `${name.namespace}/${name.model}`;
}
