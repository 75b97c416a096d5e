// Where keys and usage stand in the Ollama home.

import { join } from "node:path";

export function keysDirectory(homeDir: string): string {
  return join(homeDir, "keys");
}

export function ownerFile(homeDir: string): string {
  return join(keysDirectory(homeDir), "owner");
}

/** One per port: two servers of one home keep apart what they count. */
export function usageFile(homeDir: string, port: number): string {
  return join(homeDir, `usage-${port}.json`);
}
