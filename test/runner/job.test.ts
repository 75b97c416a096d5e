import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Job, runJob } from "../../src/runner/job.ts";
import { rejection } from "../support/rejection.ts";
import type { Behaviour } from "./job-roles.ts";

const command = [process.execPath, join(import.meta.dir, "job-roles.ts")];
const job = (payload: Behaviour, extra: Partial<Job<number>> = {}): Job<number> => ({
  name: "the test job",
  command,
  payload,
  files: { inputs: [], outputs: [] },
  settings: { runnerCage: true, stallTimeoutMs: Number.POSITIVE_INFINITY },
  ...extra,
});

async function run(wanted: Job<number>, signal = new AbortController().signal) {
  const progress: number[] = [];
  const events = runJob<number, number>(wanted, signal);
  for (;;) {
    const next = await events.next();
    if (next.done === true) return { progress, result: next.value };
    progress.push(next.value);
  }
}

function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return false;
  return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

test("a job's progress comes in order, then its result", async () => {
  expect(await run(job({ kind: "count", to: 500 }))).toEqual({
    progress: Array.from({ length: 500 }, (_, i) => i + 1),
    result: 5000,
  });
});

test("a job's error keeps its fault and its message", async () => {
  expect(await rejection(run(job({ kind: "refuse" })))).toMatchObject({
    fault: "unsupported",
    message: "not this one",
  });
});

test("a job that dies says how and with its last words", async () => {
  expect(await rejection(run(job({ kind: "crash" })))).toMatchObject({
    fault: "internal",
    message: "the test job ended unexpectedly (exit code 7): GGML_ASSERT failed: the cause",
  });
});

test("progress can be read from what a job writes to stderr", async () => {
  const progressOf = (line: string) => {
    const step = /^\[ (\d+)\//.exec(line)?.[1];
    return step === undefined ? undefined : Number(step);
  };
  expect(await run(job({ kind: "grumble" }, { progressOf }))).toEqual({ progress: [1, 2, 3], result: 3 });
});

test("aborting kills a job that hears nothing, and it is gone when the error arrives", async () => {
  const controller = new AbortController();
  const events = runJob<number, number>(job({ kind: "block" }), controller.signal);
  const pid = (await events.next()).value;
  expect(isRunning(pid)).toBeTrue();
  controller.abort();
  expect(await rejection(events.next())).toMatchObject({ fault: "canceled" });
  expect(isRunning(pid)).toBeFalse();
});

test.each([
  ["spin", 200, "it computed for 2 seconds without getting anywhere"],
  ["block", 600, "it neither answered nor computed for 0.6 seconds"],
] as const)("a job that hangs (%s) is ended and its error says so", async (kind, stallTimeoutMs, reason) => {
  const events = runJob<number, number>(
    job({ kind }, { settings: { runnerCage: true, stallTimeoutMs } }),
    new AbortController().signal,
  );
  const pid = (await events.next()).value;
  expect(await rejection(events.next())).toMatchObject({
    fault: "internal",
    message: `the test job ended unexpectedly (${reason})`,
  });
  expect(isRunning(pid)).toBeFalse();
});

test("a reader that stops early takes the job with it", async () => {
  const events = runJob<number, number>(job({ kind: "block" }), new AbortController().signal);
  const pid = (await events.next()).value;
  await events.return(0);
  expect(isRunning(pid)).toBeFalse();
});

test("a job dies with the process that started it, even by SIGKILL", async () => {
  const parentSource = `
    import { runJob } from ${JSON.stringify(join(import.meta.dir, "../../src/runner/job.ts"))};
    const events = runJob({ name: "j", command: ${JSON.stringify(command)}, payload: { kind: "block" }, files: { inputs: [], outputs: [] }, settings: { runnerCage: true, stallTimeoutMs: Infinity } }, new AbortController().signal);
    console.log((await events.next()).value);
    await events.next();`;
  const parent = Bun.spawn([process.execPath, "-e", parentSource], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const first = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(first.value));
  expect(isRunning(pid)).toBeTrue();
  parent.kill("SIGKILL");
  await parent.exited;
  const deadline = Date.now() + 5000;
  while (isRunning(pid) && Date.now() < deadline) await Bun.sleep(10);
  expect(isRunning(pid)).toBeFalse();
});
