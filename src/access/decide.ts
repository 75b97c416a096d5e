// Who asks, and what may they do: pure decisions over the peer's address, the headers and the keys. The rules in full:
//
//   no key directory    this machine: all · other machines: all but managing models and metrics (OLLAMA_REMOTE_MANAGEMENT opens it)
//   a key directory     everyone shows a key with the right scope; the account that owns the keys needs none on this machine, and
//                       with OLLAMA_KEYLESS_LOOPBACK no program on this machine does
//
// Only a loopback peer is "this machine", and not even that one when its request came through a proxy. Forwarding headers are never
// believed: their presence can take rights away, not give any.

import { isLoopback } from "../base/host.ts";
import { type ApiKey, findKey, type Scope } from "./api-key.ts";
import type { KeyTable } from "./key-store.ts";
import { isOwnerWord } from "./owner.ts";

/** What a route asks for: nothing at all, any rightful caller, or a scope. */
export type Need = "nothing" | "entry" | Scope;

export type Caller =
  | { readonly kind: "local" }
  | { readonly kind: "remote"; readonly address: string }
  | { readonly kind: "owner" }
  | { readonly kind: "key"; readonly key: ApiKey }
  /** Showed a key that is none of ours. */
  | { readonly kind: "stranger" };

export interface Rules {
  readonly keysRequired: boolean;
  readonly keylessLoopback: boolean;
  readonly remoteManagement: boolean;
}

export type Verdict =
  | { readonly do: "allow" }
  | { readonly do: "refuse"; readonly fault: "unauthorized" | "forbidden"; readonly message: string };

/** What proxies and tunnels of all houses add. */
const FORWARDING_HEADER =
  /^(?:x-forwarded(?:-.*)?|forwarded(?:-.*)?|via|x-real-ip|x-original-.*|x-envoy-.*|.*-(?:connecting|client)-ip)$/;

/** `address` is the connection's; undefined counts as another machine. */
export function isThisMachine(address: string | undefined, headers: Headers): boolean {
  if (address === undefined || !isLoopback(plainAddress(address))) return false;
  return ![...headers.keys()].some((name) => FORWARDING_HEADER.test(name));
}

/** An IPv4 address that a socket for both families shows as IPv6. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** From `Authorization: Bearer …`, or Anthropic's `x-api-key`. */
export function presentedKey(headers: Headers): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
  return bearer ?? (headers.get("x-api-key")?.trim() || undefined);
}

export function identify(
  address: string | undefined,
  headers: Headers,
  {
    table,
    keylessLoopback,
    nowMs,
  }: { readonly table: KeyTable; readonly keylessLoopback: boolean; readonly nowMs: number },
): Caller {
  const isHere = isThisMachine(address, headers);
  const nobody: Caller = isHere ? { kind: "local" } : { kind: "remote", address: plainAddress(address ?? "unknown") };
  const presented = presentedKey(headers);
  // Clients of a server without keys send made-up ones: their libraries insist on having some.
  if (!table.required || presented === undefined) return nobody;
  const key = findKey(table.keys, presented);
  if (key !== undefined) return { kind: "key", key };
  const { ownerSecret } = table;
  if (isHere && ownerSecret !== undefined && isOwnerWord(ownerSecret, presented, nowMs)) return { kind: "owner" };
  return isHere && keylessLoopback ? nobody : { kind: "stranger" };
}

export function decide(need: Need, caller: Caller, rules: Rules): Verdict {
  if (need === "nothing") return ALLOW;
  switch (caller.kind) {
    case "owner":
      return ALLOW;
    case "key":
      return hasScope(caller.key, need) ? ALLOW : lacksScope(caller.key, need);
    case "stranger":
      return refuse("unauthorized", "this API key is not known here (it may have been revoked)");
    case "local":
      return !rules.keysRequired || rules.keylessLoopback ? ALLOW : keyMissing();
    case "remote":
      if (rules.keysRequired) return keyMissing();
      return need === "entry" || need === "infer" || rules.remoteManagement ? ALLOW : onlyHere(need);
    default:
      return caller satisfies never;
  }
}

/** What makes a caller one who may also see how the server is set up. */
export function isInCharge(caller: Caller, rules: Rules): boolean {
  return decide("manage", caller, rules).do === "allow";
}

const ALLOW: Verdict = { do: "allow" };

function refuse(fault: "unauthorized" | "forbidden", message: string): Verdict {
  return { do: "refuse", fault, message };
}

function hasScope({ scopes }: ApiKey, need: Exclude<Need, "nothing">): boolean {
  return need === "entry" || scopes.includes(need) || (need === "metrics" && scopes.includes("manage"));
}

function lacksScope({ name, scopes }: ApiKey, need: Need): Verdict {
  return refuse("forbidden", `the API key "${name}" may do ${scopes.join(", ")}; this needs the scope ${need}`);
}

function keyMissing(): Verdict {
  return refuse(
    "unauthorized",
    'this server asks for an API key: send it as "Authorization: Bearer KEY" (for the ollama command: set OLLAMA_API_KEY); `ollama key create` on the server makes one',
  );
}

function onlyHere(need: Scope): Verdict {
  const what = need === "metrics" ? "its metrics" : "managing models";
  return refuse(
    "forbidden",
    `without API keys this server keeps ${what} to its own machine: make a key with \`ollama key create --scope infer,${need}\` there and send it, or start the server with OLLAMA_REMOTE_MANAGEMENT=1`,
  );
}
