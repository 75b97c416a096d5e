// How many processors this process may really use: more compute threads than that do not slow llama.cpp down, they stop
// it (waiting threads spin). `root` is injectable so that cgroup files can be tested.

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cgroupFiles } from "./cgroup.ts";

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Processors in a list such as "0-3,8". */
export function countCpuList(list: string): number {
  let count = 0;
  for (const part of list.split(",")) {
    const [, from, to = from] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (from !== undefined) count += Math.max(0, Number(to) - Number(from) + 1);
  }
  return count;
}

/** Distinct (package, core) pairs of /proc/cpuinfo; 0 when it does not tell (arm64, containers). */
export function countPhysicalCores(cpuinfo: string): number {
  const cores = new Set<string>();
  for (const block of cpuinfo.split("\n\n")) {
    const core = /^core id\s*:\s*(\d+)/m.exec(block)?.[1];
    if (core !== undefined) cores.add(`${/^physical id\s*:\s*(\d+)/m.exec(block)?.[1] ?? "0"}/${core}`);
  }
  return cores.size;
}

/** CPU quota in processors from cgroup v2 or v1, the smallest along the path; Infinity without one. */
export function cgroupCpuQuota(root = "/"): number {
  let quota = Number.POSITIVE_INFINITY;
  const bound = (max: number, period: number): void => {
    if (max > 0 && period > 0) quota = Math.min(quota, max / period);
  };
  for (const { v2, directory } of cgroupFiles(root, "cpu")) {
    if (v2) {
      const [max, period] = (readText(join(directory, "cpu.max")) ?? "max 1").trim().split(/\s+/);
      bound(Number(max), Number(period ?? 100_000)); // "max" is no number: no bound
    } else {
      const max = Number(readText(join(directory, "cpu.cfs_quota_us")) ?? -1);
      const period = Number(readText(join(directory, "cpu.cfs_period_us")) ?? 100_000);
      bound(max, period);
    }
  }
  return quota;
}

/** Processors in this process's affinity mask. */
export function affinityCpus(root = "/"): number {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText(join(root, "proc/self/status")) ?? "")?.[1];
  return allowed === undefined ? availableParallelism() : countCpuList(allowed);
}

/** Threads that can compute at once without waiting for each other's processor. */
export function usableThreads(root = "/"): number {
  const cpuinfo = join(root, "proc/cpuinfo");
  const physical = existsSync(cpuinfo) ? countPhysicalCores(readText(cpuinfo) ?? "") : 0;
  const bounds = [affinityCpus(root), Math.floor(cgroupCpuQuota(root))];
  if (physical > 0) bounds.push(physical);
  return Math.max(1, Math.min(...bounds));
}
