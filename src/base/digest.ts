// SHA-256 digests: the branded text form "sha256:<64 hex>", and hashing of streams.

import { createHash } from "node:crypto";
import { AppError } from "./errors.ts";

declare const brand: unique symbol;
/** "sha256:" and 64 lower-case hex digits; only `parseDigest` and hashing make one, so a path built from it is safe. */
export type Digest = string & { readonly [brand]: "Digest" };

const PATTERN = /^sha256[:-]([0-9a-fA-F]{64})$/;

/** Accepts ":" and "-" after the algorithm, as Ollama does. Throws `invalid` for anything else. */
export function parseDigest(text: string): Digest {
  const hex = PATTERN.exec(text)?.[1];
  if (hex === undefined) throw new AppError("invalid", "invalid digest format");
  return `sha256:${hex.toLowerCase()}` as Digest;
}

export function isDigest(text: string): boolean {
  return PATTERN.test(text);
}

export function digestOf(data: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(data).digest("hex")}` as Digest;
}

/** The 64 hex digits. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** Hashes what passes through. */
export class DigestStream {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  digest(): Digest {
    return `sha256:${this.#hash.digest("hex")}` as Digest;
  }
}
