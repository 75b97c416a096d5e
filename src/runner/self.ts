// How this program starts itself again in a hidden role: the compiled binary re-runs itself, a checkout runs main.ts.

import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

export const isCompiled = Bun.main.startsWith("/$bunfs/") || /^[A-Z]:[\\/]~BUN/i.test(Bun.main);

export function selfCommand(...args: string[]): string[] {
  return isCompiled ? [process.execPath, ...args] : [process.execPath, join(import.meta.dir, "../main.ts"), ...args];
}

/** Where the runtime is told how many requests it may have under way, which it reads when it starts. */
const REQUESTS_AT_ONCE = "BUN_CONFIG_MAX_HTTP_REQUESTS";

/**
 * Lets this process ask as many engines elsewhere at once as clients ask it, where the runtime stops at 256: it begins anew, in
 * its place and under its id. Returns where that has been done already, is set by hand, or cannot be done (Windows).
 */
export function liftRequestLimit(env: Readonly<Record<string, string | undefined>> = process.env): void {
  if (env[REQUESTS_AT_ONCE] !== undefined || process.platform === "win32") return;
  const [runtime = "", script = "", ...args] = process.argv;
  const command = isCompiled ? [process.execPath, ...args] : [runtime, script, ...args];
  try {
    process.execve?.(process.execPath, command, { ...env, [REQUESTS_AT_ONCE]: "65535" });
  } catch {
    // It goes on as it is.
  }
}

/** Runs a hidden role to its end. `problem` says how it failed, in one line; the child is killed after `timeoutMs`. */
export async function runRole(
  args: readonly string[],
  timeoutMs: number,
): Promise<{ output: string; problem: string | undefined }> {
  const child = Bun.spawn(selfCommand(...args), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: runnerEnvironment(),
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    if (code === 0) return { output, problem: undefined };
    const how = child.signalCode === null ? `exit code ${code}` : child.signalCode;
    return { output, problem: `${how} ${errors.trim().split("\n").at(-1) ?? ""}`.trim() };
  } finally {
    clearTimeout(timer);
  }
}

/** What the system, the compute libraries and their drivers read. Everything else may be a secret and is kept away. */
const ENVIRONMENT =
  /^(PATH|HOME|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|LD_.*|DYLD_.*|BUN_.*|XDG_.*|(GGML|LLAMA|OMP|GOMP|KMP|CUDA|NVIDIA|HIP|HSA|ROCR|AMD|GPU|DRI|VK|MESA|RADV|MTL|SYCL|ZE)_.*)$/i;

/**
 * The environment of whatever loads the libraries: no secrets, and the folder of what no driver brings (CUDA's runtime; the
 * installer puts it into lib/ollama/cuda), which the loader must know before the process starts.
 */
export function runnerEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
  executable = process.execPath,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name, value]) => value !== undefined && ENVIRONMENT.test(name));
  const shared = { ...Object.fromEntries(kept as [string, string][]), GGML_NO_BACKTRACE: "1" };
  const folder = dirname(executable);
  const runtime = [join(folder, "lib/ollama/cuda"), join(folder, "../lib/ollama/cuda")].find((path) =>
    existsSync(path),
  );
  if (runtime === undefined) return shared;
  const variable = process.platform === "win32" ? "PATH" : "LD_LIBRARY_PATH";
  return { ...shared, [variable]: [runtime, env[variable]].filter(Boolean).join(delimiter) };
}
