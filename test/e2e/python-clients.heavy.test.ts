// The same conversations as in clients.heavy.test.ts, held by Python's clients in a process of their own.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { smallModelName as model } from "../../scripts/small-model.mjs";
import { python, pythonPackages } from "./python-environment.ts";
import { smallModelServer } from "./small-model-server.ts";

const HELLO = "I'm so glad you're here.";

test("ollama, openai, langchain-ollama and llama-index get what they ask for", async () => {
  const packages = await pythonPackages();
  await using server = await smallModelServer();
  const script = join(import.meta.dir, "python/clients.py");
  const child = Bun.spawn([python, script, server.baseUrl, model], {
    env: { ...server.env, PYTHONPATH: packages, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 120_000,
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect([await child.exited, stderr.split("\n").filter((line) => line.includes("Error"))]).toEqual([0, []]);
  expect(JSON.parse(stdout)).toEqual({
    ollama: {
      chat: HELLO,
      stream: HELLO,
      reason: "length",
      generate: HELLO,
      names: [model],
      running: [model],
      family: "llama",
      embedding: 576,
      error: "404 model 'nope' not found",
    },
    openai: {
      chat: HELLO,
      stream: HELLO,
      tokens: [20, 20],
      response: HELLO,
      embedding: 576,
      names: [model],
      error: "model 'nope' not found",
    },
    langchain: { chat: HELLO, stream: HELLO, embedding: 576 },
    llama_index: { chat: HELLO, stream: HELLO, complete: HELLO },
  });
}, 600_000);
