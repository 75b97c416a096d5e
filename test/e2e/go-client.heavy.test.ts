// The same conversations as in clients.heavy.test.ts, held by the client that Ollama's own command line is made of.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { smallModelName as model } from "../../scripts/small-model.mjs";
import { smallModelServer } from "./small-model-server.ts";

const LIMIT_MS = 240_000;
const source = join(import.meta.dir, "go");

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function go(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const child = Bun.spawn(["go", ...words], {
    cwd: source,
    env: { ...process.env, CGO_ENABLED: "0", ...env, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: LIMIT_MS / 2,
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

const hasGo = Bun.which("go") !== null && (await go(["version"])).code === 0;
if (!hasGo) console.warn("SKIPPED: Ollama's Go client, because Go 1.26 is not installed here");

test.skipIf(!hasGo)(
  "Ollama's own client gets what it asks for",
  async () => {
    await using server = await smallModelServer();
    const { code, stdout, stderr } = await go(["run", ".", model], { OLLAMA_HOST: server.baseUrl });
    const complaints = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("go: downloading"));
    expect([code, complaints]).toEqual([0, []]);
    expect(JSON.parse(stdout)).toEqual({
      chat: "I'm so glad you're here.",
      reason: "length",
      counts: [12, 8],
      keys: 1,
      chunks: 3,
      embeddings: [2, 576],
      listed: model,
      running: model,
      family: "llama",
      create: "success",
      error: "404 model 'made' not found",
    });
  },
  LIMIT_MS,
);
