// `ollama launch`: what is written into other programs' files, what is kept of them, and how the programs are started.

import { expect, test } from "bun:test";
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commandTable } from "../../../src/cli/command-table.ts";
import { integrations } from "../../../src/cli/launch/integrations.ts";
import { type CliOptions, TestCli } from "../../support/cli.ts";
import { TestScreen } from "../../support/screen.ts";
import { failure, ScriptedServer } from "../../support/scripted-server.ts";
import { type TempHome, tempHome } from "../../support/temp-home.ts";

const model = (name: string) => ({ name, model: name, size: 1, digest: "", modified_at: "", details: {} });

function serving(capabilities: readonly string[] = ["completion", "tools"]): ScriptedServer {
  return new ScriptedServer()
    .on("/api/tags", () => Response.json({ models: [model("one:latest"), model("two:7b")] }))
    .on("/api/show", ({ body }) =>
      (body as { model: string }).model === "none"
        ? failure(404, "model 'none' not found")
        : Response.json({ details: {}, capabilities, model_info: { "llama.context_length": 4096 } }),
    );
}

interface Setting {
  readonly home: TempHome;
  readonly cli: TestCli;
  readonly read: (path: string) => Promise<unknown>;
  readonly write: (path: string, content: string) => Promise<void>;
}

function setting(server: ScriptedServer, home: TempHome, options: Partial<CliOptions> = {}): Setting {
  return {
    home,
    cli: new TestCli({ baseUrl: server.baseUrl, home: home.path, stdin: "", ...options }),
    read: async (path) => JSON.parse(await readFile(join(home.path, path), "utf8")) as unknown,
    write: async (path, content) => {
      const file = join(home.path, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    },
  };
}

const DROID = ".factory/settings.json";
const URL = "http://127.0.0.1:11434";

test("the shells are offered the integrations there are", () => {
  const completes = commandTable.commands.find(({ name }) => name === "launch")?.completes;
  expect(completes).toEqual(integrations.map(({ name }) => name));
});

test("droid: the user's own models and settings stay, an older launch's model makes way", async () => {
  await using server = serving(["completion", "vision"]);
  await using home = await tempHome();
  const { cli, read, write } = setting(server, home);
  const before = {
    theme: "dark",
    customModels: [
      { model: "old", apiKey: "ollama" },
      { model: "mine", apiKey: "secret", extra: [1] },
    ],
    sessionDefaultSettings: { reasoningEffort: "high", other: true },
  };
  await write(DROID, JSON.stringify(before, null, 4));
  const { exit, stderr } = await cli.run("launch", "droid", "--model", "one", "--config", "--yes");
  expect(exit).toBe(0);
  expect(await read(DROID)).toEqual({
    theme: "dark",
    customModels: [
      {
        model: "one",
        displayName: "one",
        baseUrl: `${URL}/v1`,
        apiKey: "ollama",
        provider: "generic-chat-completion-api",
        maxOutputTokens: 64_000,
        supportsImages: true,
        id: "custom:one-0",
        index: 0,
      },
      { model: "mine", apiKey: "secret", extra: [1] },
    ],
    sessionDefaultSettings: { reasoningEffort: "high", other: true, model: "custom:one-0" },
  });
  // Written in the file's own style, and the old content is where the message says.
  expect(await readFile(join(home.path, DROID), "utf8")).toStartWith('{\n    "theme"');
  const backup = /^Changed .*settings\.json \(before: (.*)\)$/m.exec(stderr)?.[1] ?? "";
  expect(JSON.parse(await readFile(backup, "utf8"))).toEqual(before);
  expect(await read(".ollama/config.json")).toEqual({
    integrations: { droid: { models: ["one"] } },
    last_model: "one",
    last_selection: "droid",
  });
});

test("launching again changes nothing, and writes nothing", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { cli } = setting(server, home);
  for (const { name } of integrations) await cli.run("launch", name, "--model", "one", "--config");
  const again = setting(server, home).cli;
  for (const { name } of integrations)
    expect((await again.run("launch", name, "--model", "one", "--config")).exit).toBe(0);
  expect(again.err.text).toBe("");
});

test("every file is JSON or a whole of ours, and is private where it is new", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { cli, read } = setting(server, home);
  for (const { name } of integrations) await cli.run("launch", name, "--model", "one", "--config");
  const state = (await read(".local/state/opencode/model.json")) as { recent: unknown[] };
  expect(state.recent).toEqual([{ providerID: "ollama", modelID: "one" }]);
  expect(await read(".cline/data/globalState.json")).toMatchObject({ actModeOllamaModelId: "one", ollamaBaseUrl: URL });
  expect(await read(".cline/data/settings/providers.json")).toMatchObject({
    lastUsedProvider: "ollama",
    providers: { ollama: { settings: { provider: "ollama", model: "one", baseUrl: `${URL}/v1` } } },
  });
  expect(await read(".pi/agent/models.json")).toMatchObject({
    providers: { ollama: { models: [{ id: "one", _launch: true, contextWindow: 4096 }] } },
  });
  expect(await read(".qwen/settings.json")).toMatchObject({
    model: { name: "one" },
    security: { auth: { selectedType: "openai", baseUrl: `${URL}/v1` } },
  });
  expect(await read(".codex/model.json")).toMatchObject({ models: [{ slug: "one", context_window: 4096 }] });
  const profile = Bun.TOML.parse(await readFile(join(home.path, ".codex/ollama-launch.config.toml"), "utf8"));
  expect(profile).toEqual({
    model: "one",
    model_provider: "ollama-launch",
    model_catalog_json: join(home.path, ".codex/model.json"),
    model_providers: { "ollama-launch": { name: "Ollama", base_url: `${URL}/v1/`, wire_api: "responses" } },
  });
  expect((await stat(join(home.path, ".qwen/settings.json"))).mode & 0o777).toBe(0o600);
});

test("a file that is no JSON object is left alone, and so is every other file of that program", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { cli, write } = setting(server, home);
  const broken = '{ // a comment\n "a": 1 }';
  await write(".cline/data/globalState.json", broken);
  const { exit, stderr } = await cli.run("launch", "cline", "--model", "one", "--config", "--yes");
  expect(exit).toBe(1);
  expect(stderr).toContain("globalState.json is not plain JSON");
  expect(stderr).toContain("nothing was changed");
  expect(await readFile(join(home.path, ".cline/data/globalState.json"), "utf8")).toBe(broken);
  expect(await readdir(join(home.path, ".cline/data"))).toEqual(["globalState.json"]);
  await write(DROID, "[]");
  expect((await setting(server, home).cli.run("launch", "droid", "--model", "one", "--config", "-y")).stderr).toContain(
    "is no JSON object",
  );
});

test("a link stays a link, and a file keeps its permissions", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { cli, write } = setting(server, home);
  await write("dotfiles/droid.json", "{}");
  await chmod(join(home.path, "dotfiles/droid.json"), 0o640);
  await mkdir(join(home.path, ".factory"));
  await symlink("../dotfiles/droid.json", join(home.path, DROID));
  expect((await cli.run("launch", "droid", "--model", "one", "--config", "-y")).exit).toBe(0);
  expect((await lstat(join(home.path, DROID))).isSymbolicLink()).toBe(true);
  const facts = await stat(join(home.path, "dotfiles/droid.json"));
  expect(facts.mode & 0o777).toBe(0o640);
  expect(await readFile(join(home.path, "dotfiles/droid.json"), "utf8")).toContain('"custom:one-0"');
});

test("a file is changed only when somebody agrees", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { cli, write } = setting(server, home);
  await write(DROID, '{"a":1}');
  const silent = await cli.run("launch", "droid", "--model", "one", "--config");
  expect([silent.exit, silent.stderr]).toEqual([
    1,
    `Error: this changes ${join(home.path, DROID)}; say --yes to allow it (a backup is kept)\n`,
  ]);
  for (const [answer, isChanged] of [
    ["no", false],
    ["yes", true],
  ] as const) {
    const stdout = new TestScreen(100);
    const asking = setting(server, home, { stdout, choose: () => answer });
    const interactive = new TestCli({ baseUrl: server.baseUrl, home: home.path, stdout, choose: () => answer });
    expect((await interactive.run("launch", "droid", "--model", "one", "--config")).exit).toBe(0);
    expect(interactive.asked[0]?.message).toStartWith(`Change ${join(home.path, DROID)}?`);
    expect(Object.hasOwn((await asking.read(DROID)) as object, "customModels")).toBe(isChanged);
  }
});

test("--restore brings back what was there before the first launch, and removes what was not", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { cli, write } = setting(server, home);
  await write(DROID, '{"a":1}');
  for (const name of ["one", "two:7b"]) await cli.run("launch", "droid", "--model", name, "--config", "-y");
  await cli.run("launch", "qwen", "--model", "one", "--config");
  // No server is needed for it.
  const offline = { baseUrl: "http://127.0.0.1:1" };
  const restored = await setting(server, home, offline).cli.run("launch", "droid", "--restore");
  expect(restored).toMatchObject({
    exit: 0,
    stderr: expect.stringMatching(/^Restored .*settings\.json \(what it held/),
  });
  expect(await readFile(join(home.path, DROID), "utf8")).toBe('{"a":1}');
  const removed = await setting(server, home, offline).cli.run("launch", "qwen", "--restore");
  expect(removed.stderr).toMatch(/^Removed /);
  expect(await readdir(join(home.path, ".qwen"))).toEqual([]);
  const again = await setting(server, home, offline).cli.run("launch", "droid", "--restore");
  expect(again.stderr).toBe("Nothing of Droid was changed by a launch.\n");
});

async function installFake(home: TempHome, program: string): Promise<string> {
  const path = join(home.path, ".local/bin", program);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "#!/bin/sh\n", { mode: 0o755 });
  return path;
}

test.skipIf(process.platform === "win32")(
  "the program is started with its settings and the words after --",
  async () => {
    await using server = serving();
    await using home = await tempHome();
    const program = await installFake(home, "claude");
    const { cli } = setting(server, home);
    expect((await cli.run("launch", "claude", "--model", "two:7b", "--", "-p", "hi there")).exit).toBe(0);
    expect(cli.started[0]?.command).toEqual([program, "--model", "two:7b", "-p", "hi there"]);
    expect(cli.started[0]?.env).toMatchObject({
      ANTHROPIC_BASE_URL: URL,
      ANTHROPIC_AUTH_TOKEN: "ollama",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "two:7b",
    });
    // The model is remembered.
    const next = setting(server, home).cli;
    await next.run("launch", "claude");
    expect(next.started[0]?.command).toEqual([program, "--model", "two:7b"]);
  },
);

test("--config of a program that is configured by its environment prints what to set", async () => {
  await using server = serving();
  await using home = await tempHome();
  const { stdout, stderr } = await setting(server, home).cli.run("launch", "goose", "--model", "one", "--config");
  expect(stderr).toBe("");
  expect(stdout).toEndWith(`export GOOSE_PROVIDER=ollama\nexport GOOSE_MODEL=one\nexport OLLAMA_HOST=${URL}\ngoose\n`);
});

test.each([
  [["nope"], "unknown integration: nope (there are claude, "],
  [["droit"], "unknown integration: droit (did you mean droid?)"],
  [["vscode"], "vscode needs more than configuration"],
  [["droid", "extra"], "unexpected arguments: [extra]\nUse '--' to pass extra arguments to the integration"],
  [["--config"], "flags and extra args require an integration name"],
  [["droid", "--config"], "which model? ollama launch droid --model <model>"],
  [["droid", "--config", "--yes"], "headless --yes launch for droid requires --model <model>"],
  [["droid", "--config", "--model", "none"], "model 'none' not found; fetch it first: ollama pull none"],
  [["codex", "--config", "--model", "one", "--", "--profile=x"], 'conflicting extra argument "--profile=x"'],
  [["pi", "--model", "one"], "Pi is not installed (npm install -g @earendil-works/pi-coding-agent@latest)"],
] as const)("launch %p is refused, and nothing is written", async (words, message) => {
  await using server = serving();
  await using home = await tempHome();
  const { exit, stderr } = await setting(server, home).cli.run("launch", ...words);
  expect([exit, stderr.startsWith(`Error: ${message}`) ? message : stderr]).toEqual([1, message]);
  expect(await readdir(home.path)).toEqual([]);
});
