// What a process and its children hold: memory, descriptors, processes (Linux).

import { readdirSync, readFileSync } from "node:fs";

export interface ProcessSample {
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

export function sampleProcess(pid: number): ProcessSample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return {
    residentBytes: number("VmRSS") * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: number("Threads"),
  };
}
