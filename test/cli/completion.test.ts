// Completion scripts in the shells they are for. A script called `ollama` stands in for the program that lists the models.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandTable } from "../../src/cli/command-table.ts";
import { runCli } from "../support/cli.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "completion-"));
  const rows = [
    "NAME ID SIZE MODIFIED",
    "llama3.2:1b x",
    "llama3.2:latest x",
    "hf.co/me/thing:Q4_K_M x",
    "tiny:latest x",
  ];
  await writeFile(join(folder, "ollama"), `#!/bin/sh\nprintf '%s\\n' ${rows.map((row) => `'${row}'`).join(" ")}\n`, {
    mode: 0o755,
  });
  for (const shell of ["bash", "zsh", "fish"]) {
    const { exit, stdout } = await runCli({ baseUrl: "http://127.0.0.1:1" }, "completion", shell);
    expect(exit).toBe(0);
    await writeFile(join(folder, `completion.${shell}`), stdout);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function runShell(command: readonly string[]): Promise<string[]> {
  const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}`, HOME: folder };
  const child = Bun.spawn([...command], { env, cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect([await child.exited, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

/** What bash would offer, the cursor at the end of the line. */
function inBash(line: string): Promise<string[]> {
  const script = `source ./completion.bash; COMP_LINE=$1; COMP_POINT=\${#1}; _ollama; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return runShell(["bash", "--norc", "-c", script, "bash", line]);
}

/** Without the descriptions. */
async function inFish(line: string): Promise<string[]> {
  const lines = await runShell(["fish", "-N", "-c", 'source ./completion.fish; complete -C "$argv[1]"', line]);
  return lines.map((each) => each.split("\t")[0] ?? "");
}

const names = commandTable.commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name);
const models = ["llama3.2:1b", "llama3.2:latest", "hf.co/me/thing:Q4_K_M", "tiny:latest"];

test("bash offers commands, models and flags", async () => {
  const first = await inBash("ollama ");
  expect(first.filter((word) => !word.startsWith("-"))).toEqual([...names, "help"]);
  expect(await inBash("ollama ru")).toEqual(["run"]);
  expect(await inBash("ollama run ")).toEqual(models);
  expect(await inBash("ollama run ti")).toEqual(["tiny:latest"]);
  expect(await inBash("ollama run --ver")).toEqual(["--verbose"]);
  expect(await inBash("ollama help sh")).toEqual(["show"]);
  expect(await inBash("ollama completion ")).toEqual(["bash", "zsh", "fish"]);
  expect(await inBash("ollama list ")).toEqual([]);
});

test("bash: what stands before a colon is not offered again", async () => {
  expect(await inBash("ollama show llama3.2:")).toEqual(["1b", "latest"]);
  expect(await inBash("ollama show llama3.2:l")).toEqual(["latest"]);
  expect(await inBash("ollama show hf.co/me/thing:Q")).toEqual(["Q4_K_M"]);
});

test("bash: a model is one word, rm takes many, and a flag's value is no model", async () => {
  expect(await inBash("ollama run tiny ")).toEqual([]);
  expect(await inBash("ollama run --verbose ti")).toEqual(["tiny:latest"]);
  expect(await inBash("ollama run --keepalive 5m ti")).toEqual(["tiny:latest"]);
  expect(await inBash("ollama run --keepalive ")).toEqual([]);
  expect(await inBash("ollama rm tiny ti")).toEqual(["tiny:latest"]);
  expect(await inBash("ollama nonsense ")).toEqual([]);
});

test.skipIf(Bun.which("fish") === null)("fish offers the same", async () => {
  expect((await inFish("ollama ")).toSorted()).toEqual([...names, "help"].toSorted());
  expect((await inFish("ollama run ")).toSorted()).toEqual(models.toSorted());
  expect(await inFish("ollama run tiny:latest ")).not.toContain("tiny:latest");
  expect(await inFish("ollama rm tiny:latest ti")).toEqual(["tiny:latest"]);
  expect(await inFish("ollama run --verb")).toEqual(["--verbose"]);
  expect((await inFish("ollama completion ")).toSorted()).toEqual(["bash", "fish", "zsh"]);
});

/** zsh completes only on a line of its own: a pseudo-terminal inside of it, from which Tab is read back. */
const ZPTY = `
zmodload zsh/zpty
zpty shell zsh -f
zpty -w shell "PS1=READY; PATH=$PATH; autoload -U compinit; compinit -D -u; source $PWD/completion.zsh; zstyle ':completion:*' list-separator '  '; unsetopt zle_bracketed_paste; LISTMAX=1000"
zpty -w shell "print GO; stty columns 200"
zpty -r -m shell seen '*GO*READY*'
zpty -n -w shell "$1"$'\\t\\t'
zpty -w shell $'\\x15print DO''NE'
zpty -r -m shell seen '*DONE*'
print -r -- $seen
`;

test.skipIf(Bun.which("zsh") === null)(
  "zsh completes commands and models",
  async () => {
    const screen = async (line: string) => (await runShell(["zsh", "-f", "-c", ZPTY, "zsh", line])).join("\n");
    expect(await screen("ollama sho")).toContain("show");
    const listed = await screen("ollama run ");
    for (const model of models) expect(listed).toContain(model);
    expect(await screen("ollama run --verb")).toContain("--verbose");
  },
  30_000,
);

test("a shell that is none of these is refused", async () => {
  const { exit, stderr } = await runCli({ baseUrl: "http://127.0.0.1:1" }, "completion", "powershell");
  expect([exit, stderr]).toEqual([1, 'Error: unknown shell "powershell": use bash, zsh or fish\n']);
});
