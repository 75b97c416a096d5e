// Starts a server that outlives this command, where Ollama's desktop app would do so: on macOS and Windows, for a server of
// this machine. Elsewhere services do that, and the hint how to start one stands (Ollama: cmd/start_*.go).

import { closeSync, mkdirSync, openSync, renameSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { type HostAddress, isLoopback } from "../base/host.ts";
import type { CliContext } from "./context.ts";

const LIMIT_MS = 10_000;
const POLL_MS = 100;

export function startsInBackground(platform: NodeJS.Platform, host: HostAddress): boolean {
  return (platform === "darwin" || platform === "win32") && isLoopback(host.hostname);
}

export interface ServerStart {
  readonly command: readonly string[];
  /** Instead of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves when it answers, and has said so. */
export async function startInBackground(
  context: Pick<CliContext, "client" | "config" | "stderr">,
  start?: ServerStart,
): Promise<{ readonly pid: number }> {
  const { client, config, stderr } = context;
  const { selfCommand } = await import("../runner/self.ts");
  const { command, env } = start ?? { command: selfCommand("serve") };
  const log = join(config.homeDir, "logs", "server.log");
  const file = openLog(log);
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: file,
    stderr: file,
    // Of its own session: closing the terminal must not end it.
    detached: true,
    ...(env === undefined ? {} : { env }),
  });
  closeSync(file);
  child.unref();
  const endMs = Date.now() + LIMIT_MS;
  for (;;) {
    if (await answers(client)) break;
    if (child.exitCode !== null) {
      const last = (await readFile(log, "utf8").catch(() => "")).trim().split("\n").at(-1) ?? "";
      throw new AppError("internal", `the server that was started has ended: ${last} (see ${log})`);
    }
    if (Date.now() > endMs) {
      child.kill();
      throw new AppError("internal", "timed out waiting for server to start");
    }
    await Bun.sleep(POLL_MS);
  }
  stderr.write(`Started an ollama server in the background (process ${child.pid}, log ${log}).\n`);
  return { pid: child.pid };
}

/** The log of the server before it is kept, one deep. */
function openLog(path: string): number {
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o755 });
  try {
    renameSync(path, path.replace(/\.log$/, "-1.log"));
  } catch {
    // The first one.
  }
  return openSync(path, "a", 0o600);
}

function answers(client: CliContext["client"]): Promise<boolean> {
  return client.heartbeat({ signal: AbortSignal.timeout(POLL_MS * 10) }).then(
    () => true,
    () => false,
  );
}
