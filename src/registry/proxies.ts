// Which proxy a request goes through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY with the rules of Go's httpproxy package,
// which Ollama uses: loopback is never proxied; NO_PROXY holds names, .suffixes, addresses, IPv4 ranges, each with a port.

import { isLoopback } from "../base/host.ts";
import { AllowList, bareHost, originHost } from "./addresses.ts";

export interface ProxySettings {
  readonly http: string;
  readonly https: string;
  readonly no: string;
}

/** The proxy's URL, or undefined for a direct connection. */
export function proxyFor(url: URL, settings: ProxySettings): string | undefined {
  const proxy = url.protocol === "https:" ? settings.https : settings.http;
  const host = bareHost(url).toLowerCase();
  if (proxy === "" || isLoopback(host) || isExempt(url, host, settings.no)) return undefined;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

function isExempt(url: URL, host: string, list: string): boolean {
  return list.split(/[\s,]+/).some((raw) => {
    const entry = raw.toLowerCase();
    if (entry === "") return false;
    if (entry === "*" || entry === host || entry === originHost(url)) return true;
    if (entry.includes("/")) return new AllowList(entry).allows(url, host);
    const [name = "", port] = entry.split(":");
    if (port !== undefined && port !== originHost(url).split(":").at(-1)) return false;
    const suffix = name.replace(/^\*?\.?/, ".");
    return host.endsWith(suffix) || (!name.startsWith(".") && !name.startsWith("*") && host === name);
  });
}
