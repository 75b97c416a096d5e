// One long piece of work in a child process of its own: payload in, progress and one result or AppError out. Work that
// blocks (native code) or may crash costs a child, never the server; it ends with its signal and with the server. What it
// reads came from strangers: it works in a runner's cage, with its inputs and its outputs alone.

import { closeSync, openSync, statSync } from "node:fs";
import { AppError, type Fault, toAppError } from "../base/errors.ts";
import { logInfo } from "../base/log.ts";
import { AsyncQueue } from "../base/queue.ts";
import type { Config } from "../config.ts";
import { dieWithParent, enterCage } from "./cage/cage.ts";
import { type CageReport, describeCage, warnAboutCage } from "./cage/report.ts";
import { type JobFiles, jobRules } from "./cage/rules.ts";
import { runnerEnvironment } from "./self.ts";
import { StderrTail } from "./stderr-tail.ts";
import { Watchdog } from "./watchdog.ts";

/** What the user may set of the cage, and how long a job may be silent. */
export type JobSettings = Pick<Config, "runnerCage" | "stallTimeoutMs">;

interface ToJob extends Pick<Job<never>, "payload" | "files"> {
  readonly caged: boolean;
}

type FromJob<P, R> =
  | { readonly type: "caged"; readonly cage: CageReport }
  | { readonly type: "progress"; readonly progress: P }
  | { readonly type: "result"; readonly result: R }
  | { readonly type: "failed"; readonly fault: Fault; readonly message: string };

export interface Job<P> {
  /** What the work is called in an error, as in "the quantization ended unexpectedly". */
  readonly name: string;
  /** `selfCommand(role)`; the role calls `serveJob`. */
  readonly command: readonly string[];
  /** Whatever the structured clone algorithm takes. */
  readonly payload: unknown;
  /** All that it can open. */
  readonly files: JobFiles;
  readonly settings: JobSettings;
  /** Reads progress out of what the child writes to stderr: native code that blocks the child can say it nowhere else. */
  readonly progressOf?: (line: string) => P | undefined;
}

/** Yields progress, returns the result. The child is gone when this ends, however it ends. */
export async function* runJob<P, R>(job: Job<P>, signal: AbortSignal): AsyncGenerator<P, R, undefined> {
  if (signal.aborted) throw new AppError("canceled", "request canceled");
  const events = new AsyncQueue<FromJob<P, R>>();
  const child = Bun.spawn([...job.command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: runnerEnvironment(),
    // Away from the server's terminal, as a runner is.
    detached: process.platform !== "win32",
    ipc: (message: FromJob<P, R>) => {
      watchdog.hear();
      events.push(message);
    },
    serialization: "advanced",
  });
  using watchdog = watch(job, child);
  const stderr = new StderrTail();
  const stderrEnd = stderr.follow(child, (line) => {
    watchdog.hear();
    const progress = job.progressOf?.(line);
    if (progress !== undefined) events.push({ type: "progress", progress });
  });
  let finished: { readonly result: R } | undefined;
  void child.exited.then(async () => {
    await stderrEnd;
    if (finished !== undefined) return events.end();
    const { verdict } = watchdog;
    const how = verdict === undefined ? howItEnded(child) : `(${verdict})`;
    events.fail(new AppError("internal", stderr.withReason(`${job.name} ended unexpectedly ${how}`)));
  });
  const abort = () => events.fail(new AppError("canceled", "request canceled"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    const { payload, files, settings } = job;
    const caged = settings.runnerCage;
    child.send({ payload, files, caged } satisfies ToJob);
    for await (const event of events) {
      if (event.type === "failed") {
        // The reason stands on stderr, which may arrive later than this.
        child.kill("SIGKILL");
        await stderrEnd;
        throw new AppError(event.fault, stderr.withReason(event.message));
      }
      if (event.type === "progress") yield event.progress;
      else if (event.type === "caged") tellCage(job.name, event.cage);
      else {
        // The child waits to be ended; what is left of its stderr is read before the queue ends.
        finished = { result: event.result };
        child.kill("SIGKILL");
      }
    }
    if (finished === undefined) throw new AppError("internal", `${job.name} gave no result`);
    return finished.result;
  } finally {
    signal.removeEventListener("abort", abort);
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** One that hangs is ended. What it does at a time is a part of its inputs. */
function watch(job: Job<unknown>, child: Bun.Subprocess): Watchdog {
  const inputBytes = job.files.inputs.reduce(
    (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return new Watchdog({
    pid: child.pid,
    limitMs: job.settings.stallTimeoutMs,
    isBusy: () => child.exitCode === null && child.signalCode === null,
    workBytes: () => inputBytes,
    onHang: () => child.kill("SIGKILL"),
  });
}

function tellCage(name: string, cage: CageReport): void {
  logInfo("job started", { work: name, cage: describeCage(cage) });
  warnAboutCage(cage, "jobs");
}

function howItEnded(child: Pick<Bun.Subprocess, "signalCode" | "exitCode">): string {
  if (child.signalCode === "SIGKILL") return "(killed; the machine may be out of memory)";
  return child.signalCode === null ? `(exit code ${child.exitCode ?? "?"})` : `(${child.signalCode})`;
}

export interface JobWork {
  /** Opens what the work itself is made of: libraries that the cage would keep closed. */
  readonly prepare?: (payload: never) => void;
  readonly work: (payload: never, report: (progress: unknown) => void) => unknown;
}

/** The child's side: the main of a hidden role. Never returns; the parent ends this process when it has the result. */
export async function serveJob({ prepare, work }: JobWork): Promise<never> {
  if (process.send === undefined) throw new AppError("invalid", "this is started by the server, not by hand");
  // Ctrl-C in a terminal reaches the whole group; the server decides when a job ends.
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit(0));
  dieWithParent();
  const send = (message: FromJob<unknown, unknown>) => process.send?.(message);
  const { payload, files, caged } = await new Promise<ToJob>((resolve) => process.once("message", resolve));
  try {
    prepare?.(payload as never);
    // They must be there for the cage to let them be written.
    for (const path of files.outputs) closeSync(openSync(path, "a", 0o644));
    send({ type: "caged", cage: enterCage(caged ? jobRules(files) : undefined) });
    // Both ends are this same program, and the role's caller is the only one that sends a payload.
    const result = await work(payload as never, (progress) => send({ type: "progress", progress }));
    send({ type: "result", result });
  } catch (error) {
    const { fault, message } = toAppError(error);
    send({ type: "failed", fault, message });
  }
  return new Promise<never>(() => {});
}
