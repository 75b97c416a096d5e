// The program under test: the executable that OLLAMA_BINARY names, or this checkout's source run by Bun.

import { join } from "node:path";

const root = join(import.meta.dir, "../..");

export function programCommand(): readonly string[] {
  const binary = process.env["OLLAMA_BINARY"] ?? "";
  return binary === "" ? [process.execPath, join(root, "src/main.ts")] : [binary];
}

export interface Finished {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** A command that starts the program: with limits, as another user. */
  readonly launcher?: readonly string[];
  /** After this it is killed, and its exit code says so. */
  readonly limitMs?: number;
}

export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<Finished> {
  const { env, cwd, stdin, launcher = [], limitMs = 60_000 } = options;
  const child = Bun.spawn([...launcher, ...programCommand(), ...args], {
    env,
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    timeout: limitMs,
    killSignal: "SIGKILL",
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [stdout, stderr, exit] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exit, stdout, stderr };
}
