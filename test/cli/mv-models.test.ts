// `mv-models` as a user meets it: what it refuses, what it says to set.

import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { moveAdvice } from "../../src/cli/move-advice.ts";
import { ModelStore } from "../../src/models/store.ts";
import { startApp } from "../support/app-server.ts";
import { runCli, TestCli } from "../support/cli.ts";
import { freePort } from "../support/server.ts";
import { tempHome } from "../support/temp-home.ts";

test("with no server, the models go, and the setting is named", async () => {
  await using home = await tempHome();
  await new ModelStore(join(home.path, ".ollama/models")).open();
  const to = join(home.path, "new");
  const cli = { baseUrl: `http://127.0.0.1:${await freePort()}`, home: home.path };
  const { exit, stdout } = await runCli(cli, "mv-models", to);
  expect([exit, stdout]).toEqual([0, expect.stringContaining(`OLLAMA_MODELS=`)]);
  expect(stdout).toContain(to);
  expect(existsSync(join(to, "manifests"))).toBe(true);
  expect((await runCli(cli, "mv-models", to)).stderr).toContain("there are no models in");
});

test("a server that runs is not moved away under, and says whose models it has", async () => {
  await using app = await startApp();
  await using home = await tempHome();
  const moved = await runCli({ baseUrl: app.baseUrl, home: home.path }, "mv-models", join(home.path, "new"));
  expect([moved.exit, moved.stderr]).toEqual([1, expect.stringContaining(`OLLAMA_MODELS=${app.home.modelsDir}`)]);
  expect(existsSync(join(home.path, "new"))).toBe(false);
});

const OTHER_DISK = "/dev/shm";
const hasOtherDisk = existsSync(OTHER_DISK) && statSync(OTHER_DISK).dev !== statSync(tmpdir()).dev;

test.skipIf(!hasOtherDisk)("Ctrl-C stops a move, says where everything is, and the same command ends it", async () => {
  await using home = await tempHome();
  const target = await mkdtemp(join(OTHER_DISK, "mv-models-"));
  try {
    const from = join(home.path, ".ollama/models");
    const store = new ModelStore(from);
    await store.open();
    const { digest } = await store.blobs.put(Buffer.alloc(60_000_000, 1));
    const options = { baseUrl: `http://127.0.0.1:${await freePort()}`, home: home.path };
    const cli = new TestCli(options);
    const moving = cli.run("mv-models", join(target, "new"));
    await cli.err.until("moving models");
    cli.interrupt();
    const { exit, stderr } = await moving;
    expect([exit, stderr]).toEqual([1, expect.stringContaining(`stopped; all models are still in ${from}`)]);
    expect(await store.blobs.verify(digest)).toBe(true);
    expect((await runCli(options, "mv-models", join(target, "new"))).exit).toBe(0);
    expect(await new ModelStore(join(target, "new")).blobs.verify(digest)).toBe(true);
    expect(existsSync(from)).toBe(false);
  } finally {
    await rm(target, { recursive: true, force: true });
  }
});

test("the advice fits the system", () => {
  expect(moveAdvice("/data", "linux", true)).toContain('Environment="OLLAMA_MODELS=/data"');
  expect(moveAdvice("/data", "linux", false)).toContain('export OLLAMA_MODELS="/data"');
  expect(moveAdvice("/data", "darwin", false)).toContain('launchctl setenv OLLAMA_MODELS "/data"');
  expect(moveAdvice("D:\\m", "win32", false)).toContain('setx OLLAMA_MODELS "D:\\m"');
});
