// `mv-models` as a user meets it: what it refuses, what it says to set.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { moveAdvice } from "../../src/cli/move-advice.ts";
import { ModelStore } from "../../src/models/store.ts";
import { startApp } from "../support/app-server.ts";
import { runCli } from "../support/cli.ts";
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

test("the advice fits the system", () => {
  expect(moveAdvice("/data", "linux", true)).toContain('Environment="OLLAMA_MODELS=/data"');
  expect(moveAdvice("/data", "linux", false)).toContain('export OLLAMA_MODELS="/data"');
  expect(moveAdvice("/data", "darwin", false)).toContain('launchctl setenv OLLAMA_MODELS "/data"');
  expect(moveAdvice("D:\\m", "win32", false)).toContain('setx OLLAMA_MODELS "D:\\m"');
});
