// How much memory this process may still use: what the system has free, bounded by cgroup limits on the way up.

import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import { cgroupFiles } from "./cgroup.ts";

export interface MemoryState {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

function readNumber(path: string): number | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Page cache of the group counts as used but can be dropped. */
function reclaimable(directory: string): number {
  try {
    const stat = readFileSync(join(directory, "memory.stat"), "utf8");
    return Number(/^(?:total_)?inactive_file (\d+)/m.exec(stat)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

export function memoryState(root = "/"): MemoryState {
  let totalBytes = totalmem();
  let availableBytes = freemem();
  try {
    const meminfo = readFileSync(join(root, "proc/meminfo"), "utf8");
    totalBytes = Number(/^MemTotal:\s+(\d+)/m.exec(meminfo)?.[1] ?? totalBytes / 1024) * 1024;
    availableBytes = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? availableBytes / 1024) * 1024;
  } catch {
    // Not Linux: the system's own figures stand.
  }
  const systemBytes = totalBytes;
  for (const { v2, directory } of cgroupFiles(root, "memory")) {
    const limit = readNumber(join(directory, v2 ? "memory.max" : "memory.limit_in_bytes"));
    const used = readNumber(join(directory, v2 ? "memory.current" : "memory.usage_in_bytes"));
    if (limit === undefined || limit >= systemBytes) continue;
    totalBytes = Math.min(totalBytes, limit);
    // A parent with a larger limit may have less left than the group itself.
    availableBytes = Math.min(availableBytes, Math.max(0, limit - (used ?? 0) + reclaimable(directory)));
  }
  return { totalBytes, availableBytes };
}
