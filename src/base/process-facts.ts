// What the kernel tells about a process by its id (Linux only).

import { readFileSync } from "node:fs";

export interface ProcessFacts {
  /** R running, S sleeping, D waiting for a disk, T stopped, … */
  readonly state: string;
  /** Grows when the process computes or when the kernel reads for it from disk; stands still when it hangs. */
  readonly progress: number;
  /** Tells a process from another that later got the same id. */
  readonly startTicks: number;
}

/** Undefined when there is no such process, or no way to ask. */
export function processFacts(pid: number, root = "/proc"): ProcessFacts | undefined {
  try {
    const text = readFileSync(`${root}/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything: fields count from behind it (proc_pid_stat(5), from field 3).
    const [state = "", ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const field = (number: number): number => Number(fields[number - 4]);
    const [majorFaults, userTicks, systemTicks, startTicks] = [field(12), field(14), field(15), field(22)];
    return { state, progress: majorFaults + userTicks + systemTicks, startTicks };
  } catch {
    return undefined;
  }
}
