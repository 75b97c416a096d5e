// The account that owns the keys needs none: who can write the key directory can make itself a key anyway. Its command line
// proves that it can read the directory's `owner` file with a word that is good for a minute, so that a program that listens on
// the server's port in its stead learns nothing of lasting use.

import { createHmac, timingSafeEqual } from "node:crypto";

const PREFIX = "ollama-owner";
const GOOD_FOR_MS = 60_000;

function sign(secret: string, timeMs: string): Buffer {
  return createHmac("sha256", secret).update(`${PREFIX} ${timeMs}`).digest();
}

export function ownerWord(secret: string, nowMs: number): string {
  return `${PREFIX}.${nowMs}.${sign(secret, String(nowMs)).toString("hex")}`;
}

export function isOwnerWord(secret: string, word: string, nowMs: number): boolean {
  const match = /^ollama-owner\.(\d{1,15})\.([0-9a-f]{64})$/.exec(word);
  if (match === null) return false;
  const [, timeMs = "", signature = ""] = match;
  const isFresh = Math.abs(nowMs - Number(timeMs)) <= GOOD_FOR_MS;
  return timingSafeEqual(sign(secret, timeMs), Buffer.from(signature, "hex")) && isFresh;
}
