// What installing and removing consist of. Plans are data, so that tests and people can read them; one loop performs them.

import { spawn } from "node:child_process";
import { chmod, lstat, mkdir, rm, rmdir } from "node:fs/promises";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { AppError, toAppError } from "../base/errors.ts";

export type Step =
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly mode?: number }
  | { readonly do: "directory"; readonly path: string; readonly mode: number }
  /** A file, or a directory with all that is in it. */
  | { readonly do: "remove"; readonly path: string }
  | { readonly do: "remove-if-empty"; readonly path: string }
  /** `optional`: a failure only means that there was nothing to do. */
  | { readonly do: "run"; readonly command: readonly string[]; readonly optional?: boolean };

export async function perform(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await performOne(step);
}

async function performOne(step: Step): Promise<void> {
  try {
    switch (step.do) {
      case "write":
        return await writeFileAtomic(step.path, step.text, { mode: step.mode ?? 0o644 });
      case "directory":
        await mkdir(step.path, { recursive: true });
        return await chmod(step.path, step.mode);
      case "remove":
        return await rm(step.path, { recursive: true, force: true });
      case "remove-if-empty":
        return await rmdir(step.path).catch(() => {});
      case "run":
        return await runStep(step.command, step.optional === true);
      default:
        return step satisfies never;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const what = "path" in step ? `${step.do} ${step.path}` : step.command.join(" ");
    throw new AppError("internal", `could not ${what}: ${toAppError(error).message}`, { cause: error });
  }
}

async function runStep(command: readonly string[], optional: boolean): Promise<void> {
  const { code, errors } = await runCommand(command);
  if (code === 0 || optional) return;
  throw new AppError("internal", `${command.join(" ")} failed: ${errors.trim() || `exit code ${code}`}`);
}

async function runCommand(command: readonly string[]): Promise<{ code: number; errors: string }> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 127, errors: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, errors }));
  });
}

/** Hands the terminal to a command; its exit code. */
export function handOver(command: readonly string[]): Promise<number> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: "inherit" });
  // Ctrl-C reaches the command itself, which belongs to the same terminal.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new AppError("internal", `cannot run ${program}: ${error.message}`)));
    child.on("close", (code) => {
      process.off("SIGINT", ignore);
      resolve(code ?? 1);
    });
  });
}

export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
