// Equal Modelfiles make equal models: the ids that `list` shows are those of a real Ollama (test/fixtures/cli/ids.jsonl),
// whose manifests, configs and layers are therefore the same byte for byte.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../support/program.ts";
import type { TestServer } from "../support/server.ts";
import { smallModelServer } from "./small-model-server.ts";

interface Recorded {
  readonly name: string;
  readonly modelfile: string;
  readonly id: string;
}

const recorded = readFileSync(join(import.meta.dir, "../fixtures/cli/ids.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

let server: TestServer;
beforeAll(async () => {
  server = await smallModelServer();
}, 90_000);
afterAll(() => server[Symbol.asyncDispose]());

async function ollama(...argv: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await runProgram(argv, { env: server.env, stdin: "", cwd: server.home.path });
  if (exit !== 0) throw new Error(`ollama ${argv.join(" ")}: ${stderr}`);
  return stdout;
}

test.each(recorded)("$name is the same model", async ({ name, modelfile, id }) => {
  await writeFile(join(server.home.path, "Modelfile"), modelfile);
  await ollama("create", name);
  const row = (await ollama("list", name)).split("\n").find((line) => line.startsWith(`${name}:latest`));
  expect(row?.split(/\s+/)[1]).toBe(id);
});
