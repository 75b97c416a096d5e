// What a runner or a job gave up, in data for its facts and in words for the log.

import { logWarn } from "../../base/log.ts";

export interface CageReport {
  readonly noNewPrivileges: boolean;
  /** System calls are filtered in every thread. */
  readonly systemCalls: boolean;
  readonly files: LandlockReport;
  /** Private memory it may reserve, in bytes; undefined: no limit. */
  readonly memoryBytes: number | undefined;
  /** Parts that the system refused, in words. */
  readonly problems: readonly string[];
}

export interface LandlockReport {
  /** Version of the kernel's Landlock; 0: files are not confined. */
  readonly version: number;
  /** False: threads that the runtime had started before keep their rights to files. */
  readonly allThreads: boolean;
}

/** For one log field: the parts that hold, or that there are none. */
export function describeCage(cage: CageReport): string {
  const parts = [
    ...(cage.noNewPrivileges ? ["privileges"] : []),
    ...(cage.systemCalls ? ["system calls"] : []),
    ...(cage.files.version > 0 ? [`files (Landlock ${cage.files.version})`] : []),
    ...(cage.memoryBytes === undefined ? [] : ["memory"]),
  ];
  return parts.length === 0 ? "none" : parts.join(", ");
}

const lastWarnings = new Map<string, string>();

/** Says once per server, not once per load or job, that one is less confined than it should be. */
export function warnAboutCage({ problems }: CageReport, who: "runners" | "jobs"): void {
  const warning = problems.join("; ");
  if (warning !== "" && warning !== lastWarnings.get(who)) logWarn(`${who} are not fully confined`, { why: warning });
  lastWarnings.set(who, warning);
}
