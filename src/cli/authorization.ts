// What the commands show a server: the key of OLLAMA_API_KEY, else, for a server on this machine, the word of the account that owns
// the keys (access/owner.ts), where this account does.

import { readFileSync } from "node:fs";
import { ownerWord } from "../access/owner.ts";
import { ownerFile } from "../access/paths.ts";
import { clientUrl, isLoopback } from "../base/host.ts";
import type { Config } from "../config.ts";

export function authorization(config: Config): string | undefined {
  if (config.apiKey !== "") return `Bearer ${config.apiKey}`;
  const { hostname } = new URL(clientUrl(config.host));
  if (!isLoopback(hostname.replace(/^\[|\]$/g, ""))) return undefined;
  try {
    const secret = readFileSync(ownerFile(config.homeDir), "utf8").trim();
    return secret === "" ? undefined : `Bearer ${ownerWord(secret, Date.now())}`;
  } catch {
    return undefined;
  }
}
