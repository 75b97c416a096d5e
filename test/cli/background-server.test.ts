// A server that is started in the background: where that is done, that it answers and outlives the command, and what is
// said when it does not start.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "../../src/api/client.ts";
import { parseHost } from "../../src/base/host.ts";
import { startInBackground, startsInBackground } from "../../src/cli/background-server.ts";
import { readConfig } from "../../src/config.ts";
import { programCommand } from "../support/program.ts";
import { Pipe, runCli } from "../support/cli.ts";
import { freePort } from "../support/server.ts";
import { tempHome } from "../support/temp-home.ts";

test("only where Ollama's desktop app would start one, and only for a server of this machine", () => {
  const local = parseHost("");
  expect((["darwin", "win32", "linux", "freebsd"] as const).filter((name) => startsInBackground(name, local))).toEqual([
    "darwin",
    "win32",
  ]);
  expect(startsInBackground("darwin", parseHost("10.0.0.5"))).toBe(false);
});

test("on Linux, and for other commands than run, the hint stands", async () => {
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  const hint = "Error: could not connect to ollama server, run 'ollama serve' to start it\n";
  expect((await runCli({ baseUrl, stdin: "", platform: "linux" }, "run", "m", "hi")).stderr).toBe(hint);
  expect((await runCli({ baseUrl, stdin: "", platform: "darwin" }, "list")).stderr).toBe(hint);
});

async function starting(command: readonly string[]) {
  const home = await tempHome();
  const port = await freePort();
  const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${port}` };
  const stderr = new Pipe();
  const client = new Client({ baseUrl: `http://127.0.0.1:${port}`, userAgent: "ollama/test" });
  const context = { config: readConfig(env), client, stderr };
  return {
    home,
    stderr,
    client,
    log: join(home.path, ".ollama/logs/server.log"),
    start: () => startInBackground(context, { command, env }),
  };
}

test("it answers when the command goes on, says where its log is, and keeps the log before", async () => {
  const { home, stderr, client, log, start } = await starting([...programCommand(), "serve"]);
  await using _home = home;
  const first = await start();
  try {
    expect(stderr.text).toBe(`Started an ollama server in the background (process ${first.pid}, log ${log}).\n`);
    await client.heartbeat();
    expect(await readFile(log, "utf8")).toContain("Listening on");
  } finally {
    process.kill(first.pid, "SIGTERM");
  }
  while (
    await client.heartbeat().then(
      () => true,
      () => false,
    )
  )
    await Bun.sleep(20);
  const second = await start();
  process.kill(second.pid, "SIGTERM");
  expect(existsSync(join(home.path, ".ollama/logs/server-1.log"))).toBe(true);
}, 60_000);

test("one that ends at once is told with its last words", async () => {
  const { home, start, log } = await starting([process.execPath, "-e", "console.error('no disk'); process.exit(3)"]);
  await using _home = home;
  const message = await start().then(
    () => "started",
    (error: unknown) => String(error),
  );
  expect(message).toBe(`AppError: the server that was started has ended: no disk (see ${log})`);
});
