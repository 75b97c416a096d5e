// Bare `ollama`: the help in a pipe, a menu at a terminal; what is chosen runs as if it had been typed.

import { expect, test } from "bun:test";
import { mainChoices } from "../../src/cli/menu/menu.ts";
import { runCli, TestCli } from "../support/cli.ts";
import { TestScreen } from "../support/screen.ts";
import { failure, ndjson, ScriptedServer } from "../support/scripted-server.ts";
import { TestEditorTerminal } from "../support/editor-terminal.ts";
import { freePort } from "../support/server.ts";

const model = (name: string, size = 1e9) => ({ name, model: name, size, digest: "", modified_at: "", details: {} });

function serving(...names: string[]): ScriptedServer {
  return new ScriptedServer()
    .on("/api/tags", () => Response.json({ models: names.map((name) => model(name)) }))
    .on("/api/show", () => Response.json({ details: {}, capabilities: ["completion"] }))
    .on("/api/generate", () => ndjson({ model: "m", created_at: "t", response: "", done: true }));
}

/** Chooses the given values, one a menu, then leaves. */
function choosing(...values: string[]): () => string | undefined {
  return () => values.shift();
}

test("without a terminal the help is printed, and nothing is asked", async () => {
  await using server = serving("m:latest");
  const { exit, stdout } = await runCli({ baseUrl: server.baseUrl, stdin: "" });
  expect([exit, stdout.split("\n")[0]]).toEqual([0, "Large language model runner"]);
  const dumb = Object.assign(new TestScreen(80), { canRedraw: false });
  const cli = new TestCli({ baseUrl: server.baseUrl, stdout: dumb });
  await cli.run();
  expect(dumb.scrollback[0]).toBe("Large language model runner");
  expect(cli.asked).toEqual([]);
  expect(server.asked).toEqual([]);
});

test("chat asks for a model and talks to it, with the flags that were given", async () => {
  await using server = serving("big:latest", "small:1b");
  const editor = new TestEditorTerminal(60);
  const cli = new TestCli({
    baseUrl: server.baseUrl,
    stdout: editor.screen,
    editor,
    choose: choosing("chat", "small:1b"),
  });
  const running = cli.run("--verbose");
  await editor.end();
  expect(await running).toMatchObject({ exit: 0 });
  expect(cli.asked.map(({ choices }) => choices.map(({ value }) => value))).toEqual([
    ["chat", "download", "doctor", "help", "leave"],
    ["big", "small:1b"],
  ]);
  expect(server.bodies("/api/generate")).toEqual([{ model: "small:1b" }]);
  expect(editor.screen.lines.join("\n")).toContain(">>>");
});

test("a server that wants a key is told as such, not as absent", async () => {
  await using server = new ScriptedServer().on("/api/tags", () => failure(401, "this server asks for an API key"));
  const cli = new TestCli({ baseUrl: server.baseUrl, stdout: new TestScreen(80) });
  expect(await cli.run()).toMatchObject({ exit: 1, stderr: "Error: this server asks for an API key\n" });
  expect(cli.asked).toEqual([]);
});

test("leaving any menu ends the program, and is no failure", async () => {
  await using server = serving("m:latest");
  for (const values of [[], ["leave"], ["chat"], ["download"]]) {
    const stdout = new TestScreen(80);
    const cli = new TestCli({ baseUrl: server.baseUrl, stdout, choose: choosing(...values) });
    expect((await cli.run()).exit).toBe(0);
    expect(stdout.lines).toEqual([""]);
  }
});

test("what can be downloaded is neither here already nor an embedding model", async () => {
  await using server = serving("smollm2:135m");
  const cli = new TestCli({ baseUrl: server.baseUrl, stdout: new TestScreen(80), choose: choosing("download") });
  await cli.run();
  const names = cli.asked[1]?.choices.map(({ value }) => value) ?? [];
  expect(names).toContain("smollm2:360m");
  expect(names).not.toContain("smollm2:135m");
  expect(names).not.toContain("all-minilm");
});

test("without a server there is nothing that needs one", async () => {
  const cli = new TestCli({
    baseUrl: `http://127.0.0.1:${await freePort()}`,
    stdout: new TestScreen(100),
    choose: choosing("help"),
  });
  await cli.run();
  expect(cli.asked[0]?.message).toStartWith("No server answers at 127.0.0.1:11434");
  expect(cli.asked[0]?.choices.map(({ value }) => value)).toEqual(["serve", "doctor", "help", "leave"]);
  expect(mainChoices([]).map(({ value }) => value)).not.toContain("chat");
});
