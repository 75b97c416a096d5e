// Who may speak to the server from a browser: Host check against DNS rebinding, Origin check and CORS (spec 2.07–2.09).

import { hostname, networkInterfaces } from "node:os";
import { AppError } from "../base/errors.ts";
import { isLoopback } from "../base/host.ts";

const ALLOWED_HEADERS = [
  "Authorization",
  "Content-Type",
  "User-Agent",
  "Accept",
  "X-Requested-With",
  "Openai-Beta",
  "X-Stainless-Arch",
  "X-Stainless-Async",
  "X-Stainless-Custom-Poll-Interval",
  "X-Stainless-Helper-Method",
  "X-Stainless-Lang",
  "X-Stainless-Os",
  "X-Stainless-Package-Version",
  "X-Stainless-Poll-Helper",
  "X-Stainless-Retry-Count",
  "X-Stainless-Runtime",
  "X-Stainless-Runtime-Version",
  "X-Stainless-Timeout",
];
const ALLOWED_METHODS = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS";
const MAX_AGE_SECONDS = "43200";
const LOCAL_SUFFIXES = [".localhost", ".local", ".internal"];
const EXTENSION_SCHEMES = ["chrome-extension://", "moz-extension://", "safari-extension://", "ms-browser-extension://"];

export type OriginRule = (origin: string) => boolean;

/**
 * OLLAMA_ORIGINS before the defaults. Throws `invalid` for an entry that can match nothing (real Ollama panics).
 */
export function originRules(configured: string): { readonly all: boolean; readonly allowed: OriginRule } {
  const entries = configured
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const all = entries.includes("*");
  const patterns = [...entries.filter((entry) => entry !== "*"), ...defaultOrigins()].map(originRule);
  return { all, allowed: (origin) => all || patterns.some((rule) => rule(origin.toLowerCase())) };
}

function defaultOrigins(): string[] {
  const hosts = ["localhost", "127.0.0.1", "0.0.0.0"];
  const web = hosts.flatMap((host) => [`http://${host}`, `https://${host}`, `http://${host}:*`, `https://${host}:*`]);
  return [...web, "app://*", "file://*", "tauri://*", "vscode-webview://*", "vscode-file://*"];
}

function originRule(entry: string): OriginRule {
  const pattern = entry.toLowerCase();
  const stars = pattern.split("*").length - 1;
  const known = /^https?:\/\//.test(pattern) || EXTENSION_SCHEMES.some((scheme) => pattern.startsWith(scheme));
  if (stars > 1 || (stars === 0 && !known)) {
    throw new AppError(
      "invalid",
      `OLLAMA_ORIGINS: "${entry}" is no origin; write for example http://example.com or https://*.example.com (at most one *)`,
    );
  }
  if (stars === 0) return (origin) => origin === pattern;
  const [before = "", after = ""] = pattern.split("*");
  // A star where a port stands is any port, not any host that begins with this one's name.
  if (before.endsWith(":") && after === "") {
    return (origin) => origin.startsWith(before) && /^\d{1,5}$/.test(origin.slice(before.length));
  }
  return (origin) =>
    origin.length >= before.length + after.length && origin.startsWith(before) && origin.endsWith(after);
}

/** Host names that mean this machine or its private network. */
export function isAllowedHost(host: string): boolean {
  if (!/^(?:\[[^\]]*\]|[^:]*)(?::\d{0,5})?$/.test(host)) return false;
  const name = hostName(host).toLowerCase();
  if (name === "" || name === "localhost" || name === hostname().toLowerCase()) return true;
  if (LOCAL_SUFFIXES.some((suffix) => name.endsWith(suffix))) return true;
  return isIpAddress(name) && (isLoopback(name) || isPrivateOrUnspecified(name) || isOwnAddress(name));
}

function hostName(host: string): string {
  return /^\[([^\]]*)\]/.exec(host)?.[1] ?? host.replace(/:\d*$/, "");
}

function isIpAddress(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || name.includes(":");
}

function isPrivateOrUnspecified(address: string): boolean {
  if (address === "0.0.0.0" || address === "::" || /^f[cd]/.test(address)) return true;
  const [a = 0, b = 0] = address.split(".").map(Number);
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
}

function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === address) === true);
}

export interface BrowserPolicy {
  /**
   * Whether the Host is one of this machine's names. Where the server listens beyond loopback others are answered too, but count as
   * another machine: a page whose name was pointed at this machine (DNS rebinding) asks from loopback.
   */
  isOwnHost(request: Request): boolean;
  /** A response that ends the request, or undefined to go on. */
  refuse(request: Request): Response | undefined;
  /** Adds what an allowed cross-origin answer carries. */
  decorate(request: Request, response: Response): Response;
}

export function browserPolicy(configuredOrigins: string, boundHost: string): BrowserPolicy {
  const rules = originRules(configuredOrigins);
  const checksHost = isLoopback(boundHost);
  const crossOrigin = (request: Request): string | undefined => {
    const origin = request.headers.get("origin");
    const host = request.headers.get("host") ?? "";
    return origin === null || origin === `http://${host}` || origin === `https://${host}` ? undefined : origin;
  };
  const isOwnHost = (request: Request): boolean => isAllowedHost(request.headers.get("host") ?? "");
  // Where hosts are checked, OPTIONS to one with a name ends there; to an address it is a method like any other (spec 2.09).
  const isNamedOptions = ({ method, headers }: Request): boolean =>
    method === "OPTIONS" && checksHost && !isIpAddress(hostName(headers.get("host") ?? ""));
  return {
    isOwnHost,
    refuse(request) {
      if (checksHost && !isOwnHost(request)) return new Response(null, { status: 403 });
      const origin = crossOrigin(request);
      if (origin === undefined) return isNamedOptions(request) ? new Response(null, { status: 204 }) : undefined;
      if (!rules.allowed(origin)) return new Response(null, { status: 403 });
      return request.method === "OPTIONS" ? preflight(origin, rules.all) : undefined;
    },
    decorate(request, response) {
      const origin = crossOrigin(request);
      if (origin === undefined || response.headers.has("access-control-allow-origin")) return response;
      response.headers.set("access-control-allow-origin", rules.all ? "*" : origin);
      if (!rules.all) response.headers.append("vary", "Origin");
      return response;
    },
  };
}

function preflight(origin: string, all: boolean): Response {
  const headers = new Headers({
    "access-control-allow-origin": all ? "*" : origin,
    "access-control-allow-methods": ALLOWED_METHODS,
    "access-control-allow-headers": ALLOWED_HEADERS.join(","),
    "access-control-max-age": MAX_AGE_SECONDS,
  });
  if (!all)
    for (const name of ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"])
      headers.append("vary", name);
  return new Response(null, { status: 204, headers });
}
