// The SSRF guard: a name is resolved once, every address it has must be public unless its host was allowed, and the
// connection then goes to a checked address, so that a second look-up cannot give another answer.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { AppError } from "../base/errors.ts";

export type Resolve = (hostname: string) => Promise<readonly string[]>;

const systemResolve: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** IPv4 ranges that are not the public internet (IANA special-purpose registry). */
const PRIVATE_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
].map(parseRange);

interface Range {
  readonly base: number;
  readonly bits: number;
}

function parseRange(text: string): Range {
  const [address = "", bits = "32"] = text.split("/");
  return { base: v4Number(address), bits: Number(bits) };
}

function v4Number(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function inRange(address: string, { base, bits }: Range): boolean {
  const size = 2 ** (32 - bits);
  return Math.floor(v4Number(address) / size) === Math.floor(base / size);
}

/** The eight 16-bit groups of an IPv6 address. */
function v6Groups(address: string): number[] {
  const plain = address.split("%")[0] ?? "";
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const v4 = v4Number(dotted?.[2] ?? "0.0.0.0");
  const text =
    dotted === null ? plain : `${dotted[1]}${Math.floor(v4 / 65_536).toString(16)}:${(v4 % 65_536).toString(16)}`;
  const [left = "", right] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const head = groups(left);
  if (right === undefined) return head;
  const tail = groups(right);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

function v4Within(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** True unless the address is one of the public internet. What is no address counts as private. */
export function isPrivateAddress(address: string): boolean {
  const kind = isIP(address.split("%")[0] ?? "");
  if (kind === 4) return PRIVATE_V4.some((range) => inRange(address, range));
  if (kind !== 6) return true;
  const groups = v6Groups(address);
  const [a = 0, b = 0, c = 0, , , f = 0, g = 0, h = 0] = groups;
  const startsWithZeros = groups.slice(0, 5).every((group) => group === 0);
  // Addresses that carry an IPv4 address are judged by it: mapped, NAT64, 6to4.
  if (startsWithZeros && f === 0xffff) return isPrivateAddress(v4Within(g, h));
  if (a === 0x64 && b === 0xff9b && c === 0) return isPrivateAddress(v4Within(g, h));
  if (a === 0x2002) return isPrivateAddress(v4Within(b, c));
  // Only 2000::/3 is given out as public; Teredo and the documentation range lie within it.
  return (a & 0xe000) !== 0x2000 || (a === 0x2001 && (b === 0 || b === 0xdb8));
}

/** OLLAMA_REGISTRY_ALLOW: hosts, host:port, addresses and IPv4 ranges that may be private; "*" is all. */
export class AllowList {
  readonly #entries: readonly string[];

  constructor(text: string) {
    this.#entries = text
      .split(/[\s,]+/)
      .map((entry) => entry.toLowerCase())
      .filter((entry) => entry !== "");
  }

  allows(url: URL, address: string): boolean {
    return this.#entries.some((entry) => {
      if (entry === "*" || entry === url.host || entry === bareHost(url) || entry === address) return true;
      if (!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(entry) || isIP(address) !== 4) return false;
      return inRange(address, parseRange(entry));
    });
  }
}

/** Host name without the brackets of IPv6. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

export class AddressGuard {
  constructor(
    readonly allowList: AllowList,
    readonly resolve: Resolve = systemResolve,
  ) {}

  /**
   * The addresses `url` may be fetched from, in the resolver's order. `trusted` holds host:port pairs that were named by
   * the operator or with insecure. Throws `forbidden` when one of them is private, `internal` when there are none.
   */
  async check(url: URL, trusted: ReadonlySet<string>): Promise<readonly string[]> {
    const host = bareHost(url);
    const addresses = isIP(host) === 0 ? await this.#lookup(host) : [host];
    const refused = addresses.find((address) => isPrivateAddress(address) && !this.#allows(url, address, trusted));
    if (refused !== undefined) {
      throw new AppError(
        "forbidden",
        `${url.host} is on a private address; use --insecure for a registry of your own, or name it in OLLAMA_REGISTRY_ALLOW`,
      );
    }
    return addresses;
  }

  #allows(url: URL, address: string, trusted: ReadonlySet<string>): boolean {
    return trusted.has(originHost(url)) || this.allowList.allows(url, address);
  }

  async #lookup(host: string): Promise<readonly string[]> {
    let addresses: readonly string[] = [];
    try {
      addresses = await this.resolve(host);
    } catch (error) {
      throw new AppError("internal", `dial tcp: lookup ${host}: no such host`, { cause: error });
    }
    if (addresses.length === 0) throw new AppError("internal", `dial tcp: lookup ${host}: no such host`);
    return addresses;
  }
}

/** host:port with the port always there. */
export function originHost(url: URL): string {
  return `${url.hostname}:${url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port}`.toLowerCase();
}
