// API keys: what one is, how it is made, and how a presented one is recognised. Only its SHA-256 is kept: a key is 256 random
// bits, so nothing is gained by a slow hash.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { AppError } from "../base/errors.ts";

export const SCOPES = ["infer", "manage", "metrics"] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  /** Public: it is part of the key's text, and names it in logs, metrics and files. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Requests at the same time; 0 is no limit. */
  readonly limit: number;
  /** Tokens of prompts and answers in one UTC day; 0 is no limit. */
  readonly budget: number;
  readonly createdAt: string;
  readonly hash: Buffer;
}

export interface KeyWish {
  readonly name: string | undefined;
  readonly scopes: readonly Scope[];
  readonly limit: number;
  readonly budget: number;
}

const ID = /^[0-9a-f]{8}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;

/** A new key and its text, which exists nowhere else. Throws `invalid` for a wish that makes no key. */
export function makeKey(wish: KeyWish): { readonly key: ApiKey; readonly text: string } {
  const id = randomBytes(4).toString("hex");
  const text = `ollama_${id}_${randomBytes(32).toString("base64url")}`;
  const createdAt = new Date().toISOString();
  const key = { ...wish, id, name: wish.name ?? id, createdAt, hash: hashOf(text) };
  const fault = faultOf(key);
  if (fault !== undefined) throw new AppError("invalid", fault);
  return { key, text };
}

function faultOf({ name, scopes, limit, budget }: Omit<ApiKey, "hash">): string | undefined {
  if (!NAME.test(name))
    return `key name ${JSON.stringify(name)}: use letters, digits, ".", "_", "@" and "-", at most 63`;
  if (scopes.length === 0) return `a key needs a scope: ${SCOPES.join(", ")}`;
  for (const [what, value] of Object.entries({ limit, budget })) {
    if (!Number.isSafeInteger(value) || value < 0) return `${what} must be a whole number, 0 for none`;
  }
  return undefined;
}

/** "infer,manage" → scopes. */
export function parseScopes(text: string): Scope[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ""))].map((word) => {
    const scope = SCOPES.find((each) => each === word);
    if (scope === undefined)
      throw new AppError("invalid", `unknown scope ${JSON.stringify(word)}: choose from ${SCOPES.join(", ")}`);
    return scope;
  });
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Looks at every key, whichever matches, so that the time taken tells nothing. */
export function findKey(keys: readonly ApiKey[], presented: string): ApiKey | undefined {
  const hash = hashOf(presented);
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.hash, hash)) found = key;
  return found;
}

export function encodeKey({ name, scopes, limit, budget, createdAt, hash }: ApiKey): string {
  return `${JSON.stringify({ name, scopes, limit, budget, created_at: createdAt, sha256: hash.toString("hex") }, null, 2)}\n`;
}

/** undefined for what is no key's file. */
export function decodeKey(id: string, text: string): ApiKey | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !ID.test(id)) return undefined;
  const { name, scopes, limit, budget, created_at, sha256 } = value as Record<string, unknown>;
  if (typeof name !== "string" || typeof created_at !== "string" || typeof sha256 !== "string") return undefined;
  if (typeof limit !== "number" || typeof budget !== "number" || !Array.isArray(scopes)) return undefined;
  if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  const known = SCOPES.filter((scope) => scopes.includes(scope));
  const key = { id, name, scopes: known, limit, budget, createdAt: created_at, hash: Buffer.from(sha256, "hex") };
  return faultOf(key) === undefined ? key : undefined;
}
