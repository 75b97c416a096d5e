// OLLAMA_HOST in all its forms (envconfig.Host): host, :port, host:port, bare or bracketed IPv6, scheme, path.

export interface HostAddress {
  readonly scheme: "http" | "https";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Path prefix for clients, "" or "/x". */
  readonly path: string;
}

const DEFAULT_PORT = 11434;

/** `onBadPort` is told of a port that is none, and which one stands in for it. */
export function parseHost(value: string, onBadPort?: (text: string, used: number) => void): HostAddress {
  let rest = value.trim();
  let scheme: "http" | "https" = "http";
  let port = DEFAULT_PORT;
  // Others than these two, as tcp://, change nothing: what is meant is the address.
  const schemed = /^([a-z][a-z0-9+.-]*):\/\//i.exec(rest);
  if (schemed !== null) {
    const written = schemed[1]?.toLowerCase();
    scheme = written === "https" ? "https" : "http";
    port = written === "https" ? 443 : written === "http" ? 80 : DEFAULT_PORT;
    rest = rest.slice(schemed[0].length);
  }
  const slash = rest.indexOf("/");
  const path = slash < 0 ? "" : rest.slice(slash).replace(/\/+$/, "");
  if (slash >= 0) rest = rest.slice(0, slash);
  // Ollama: the bare name of its hosted service means https.
  if (schemed === null && rest === "ollama.com") return { scheme: "https", hostname: rest, port: 443, path };
  const { hostname, portText } = splitPort(rest);
  const number = Number(portText);
  const valid = portText !== undefined && /^\d+$/.test(portText) && number <= 65_535;
  if (portText !== undefined && !valid) onBadPort?.(portText, port);
  // A port alone means every address of this machine, as Go's listener takes it.
  const unnamed = portText === undefined ? "127.0.0.1" : "0.0.0.0";
  return { scheme, hostname: hostname === "" ? unnamed : hostname, port: valid ? number : port, path };
}

function splitPort(text: string): { hostname: string; portText: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { hostname: bracketed[1] ?? "", portText: bracketed[2] };
  const colons = text.split(":").length - 1;
  if (colons > 1) return { hostname: text, portText: undefined };
  const [hostname = "", portText] = text.split(":");
  return { hostname, portText };
}

/** `host:port` with brackets around IPv6, as it stands in URLs and messages. */
export function hostPort(host: Pick<HostAddress, "hostname" | "port">): string {
  return host.hostname.includes(":") ? `[${host.hostname}]:${host.port}` : `${host.hostname}:${host.port}`;
}

/** The base URL a client uses; an address that means "all interfaces" is reached through loopback. */
export function clientUrl(host: HostAddress): string {
  const hostname = host.hostname === "0.0.0.0" ? "127.0.0.1" : host.hostname === "::" ? "::1" : host.hostname;
  return `${host.scheme}://${hostPort({ hostname, port: host.port })}${host.path}`;
}

/** True for addresses only this machine can reach. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
