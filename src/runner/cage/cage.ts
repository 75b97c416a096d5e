// What a runner or a job gives up. Model files come from strangers and the code that reads them is C++: after the libraries are
// loaded, and before the model is, the process loses the network, other programs, and every file but its own. Each part is
// taken where the kernel has it; what could not be taken is said in the report.

import { readFileSync, writeFileSync } from "node:fs";
import { memoryState } from "../../base/memory.ts";
import { restrictPaths } from "./landlock.ts";
import { type Libc, openLibc } from "./libc.ts";
import type { CageReport } from "./report.ts";
import type { CageRules } from "./rules.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { numberFor, type Processor, SECCOMP } from "./syscalls.ts";

const PR_SET_PDEATHSIG = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;
const RLIMIT_DATA = 2;
const RLIMIT_CORE = 4;
const SET_MODE_FILTER = 1;
const ALL_THREADS = 1;
/** Of 1000: when memory runs out the kernel ends a runner before the server and before the user's own programs. */
const OUT_OF_MEMORY_SCORE = "500";

/** The kernel kills this process when the server dies, even by SIGKILL and even in the middle of a long decode. */
export function dieWithParent(): void {
  openLibc()?.prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/** `rules` undefined: the user switched the cage off; what no program can miss is given up all the same. */
export function enterCage(rules: CageRules | undefined): CageReport {
  const libc = openLibc();
  const processor = process.arch === "x64" || process.arch === "arm64" ? process.arch : undefined;
  const open = { version: 0, allThreads: false };
  const problems: string[] = [];
  if (libc === undefined || processor === undefined) {
    problems.push(`there is no cage for ${process.platform}-${process.arch}`);
    return { noNewPrivileges: false, systemCalls: false, files: open, memoryBytes: undefined, problems };
  }
  const take = (what: string, result: number): boolean => {
    if (result < 0) problems.push(`${what} (error ${-result})`);
    return result >= 0;
  };
  const noNewPrivileges = take("privileges could not be given up", libc.prctl(PR_SET_NO_NEW_PRIVS, 1));
  take("core dumps could not be switched off", libc.setLimit(RLIMIT_CORE, 0));
  preferToDie(problems);
  const memoryBytes = limitMemory(libc, problems);
  if (rules === undefined) {
    problems.push("it is switched off by OLLAMA_RUNNER_CAGE");
    return { noNewPrivileges, systemCalls: false, files: open, memoryBytes, problems };
  }
  const files = restrictPaths(libc, rules, problems);
  // Last: the filter also refuses what the steps before need.
  const filter = seccompFilter({ processor, pid: process.pid, allowed: rules.syscalls });
  const systemCalls = take("system calls are not filtered", installFilter(libc, processor, filter));
  return { noNewPrivileges, systemCalls, files, memoryBytes, problems };
}

function preferToDie(problems: string[]): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", OUT_OF_MEMORY_SCORE);
  } catch (error) {
    problems.push(`the kernel was not told to end this process first: ${String(error)}`);
  }
}

/**
 * No process may reserve more private memory than the machine has (a file that asks for it fails alone, at once). Mapped
 * weights do not count; what the runtime has reserved without using it is added.
 */
function limitMemory(libc: Libc, problems: string[]): number | undefined {
  const reserved = Number(/^VmData:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024;
  const bytes = reserved + memoryState().totalBytes;
  const result = libc.setLimit(RLIMIT_DATA, bytes);
  if (result === 0) return bytes;
  problems.push(`memory is not limited (error ${-result})`);
  return undefined;
}

/** 0, or what went wrong as a negative number; a positive one names a thread that could not follow. */
function installFilter(libc: Libc, processor: Processor, filter: Uint8Array): number {
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const program = Buffer.alloc(16);
  program.writeUInt16LE(filter.byteLength / 8, 0);
  program.writeBigUInt64LE(BigInt(libc.address(filter)), 8);
  const result = libc.syscall(numberFor(SECCOMP, processor) ?? 0, SET_MODE_FILTER, ALL_THREADS, program);
  return result > 0 ? -3 : result;
}
