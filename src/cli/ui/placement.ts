// The PROCESSOR and UNTIL columns of `ps` (Ollama: cmd/cmd.go, ListRunningHandler).

import { humanTime } from "../../base/human-time.ts";

export function processorText(sizeBytes: number, vramBytes: number): string {
  if (vramBytes === 0) return "100% CPU";
  if (vramBytes === sizeBytes) return "100% GPU";
  if (vramBytes > sizeBytes || sizeBytes === 0) return "Unknown";
  const cpu = Math.round(((sizeBytes - vramBytes) / sizeBytes) * 100);
  return `${cpu}%/${100 - cpu}% CPU/GPU`;
}

/** Not in Ollama: a model that an engine elsewhere serves. */
export function remoteText(failure: string | undefined): string {
  return failure === undefined ? "100% remote" : "remote, down";
}

export function untilText(expiresAtNs: bigint, now: bigint): string {
  return now > expiresAtNs ? "Stopping..." : humanTime(expiresAtNs, "Never", now);
}
