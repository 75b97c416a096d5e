// Hidden role: enters the cage that a runner for this load request, or a job on these files, would enter, tries what an
// attack would try, and tells what the kernel said. The same rules and the same code as theirs; nothing in a runner or a job does this.

import { readFileSync, writeFileSync } from "node:fs";
import { enterCage } from "./cage/cage.ts";
import { type Libc, openLibc } from "./cage/libc.ts";
import { cageRules, type CagedRequest, type JobFiles, jobRules } from "./cage/rules.ts";
import { CLONE, numberFor, type Processor, REFUSED, SELF_ONLY } from "./cage/syscalls.ts";
import { openLlama } from "./llama/library.ts";

export interface CageAttempts {
  readonly of: { readonly request: CagedRequest } | { readonly job: JobFiles; readonly libraryDir: string };
  readonly read: readonly string[];
  readonly write: readonly string[];
}

const AF_INET = 2;
const SOCK_STREAM = 1;
const SIGCHLD = 17;

export function proveCage(text: string): unknown {
  const { of, read, write } = JSON.parse(text) as CageAttempts;
  openLlama("job" in of ? of.libraryDir : of.request.libraryDir);
  const report = enterCage("job" in of ? jobRules(of.job) : cageRules(of.request));
  const outcome = (attempt: () => unknown): string => {
    try {
      attempt();
      return "done";
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : String(error);
    }
  };
  return {
    report,
    read: read.map((path) => outcome(() => readFileSync(path))),
    write: write.map((path) => outcome(() => writeFileSync(path, "x"))),
    calls: callsOf(openLibc()),
  };
}

/** The error number of each call, 0 where it went through. */
function callsOf(libc: Libc | undefined): Record<string, number> {
  if (libc === undefined) return {};
  const processor = process.arch as Processor;
  const call = (name: string, ...args: (number | Uint8Array)[]): number => {
    const number = numberFor(REFUSED[name] ?? SELF_ONLY[name] ?? CLONE, processor);
    if (number === undefined) return 1;
    return -Math.min(0, libc.syscall(number, ...args));
  };
  const program = Buffer.from("/bin/true\0");
  return {
    socket: call("socket", AF_INET, SOCK_STREAM, 0),
    connect: call("connect", 0, new Uint8Array(16), 16),
    bind: call("bind", 0, new Uint8Array(16), 16),
    fork: call("clone", SIGCHLD, 0, 0, 0, 0),
    execve: call("execve", program, new Uint8Array(8), new Uint8Array(8)),
    ptrace: call("ptrace", 16, process.ppid, 0, 0),
    "kill the server": call("kill", process.ppid, 0),
    "limit the server": call("prlimit64", process.ppid, 7, new Uint8Array(16), 0),
    mount: call("mount", program, program, program, 0, 0),
    chmod: call("fchmodat", -100, program, 0o777),
  };
}
