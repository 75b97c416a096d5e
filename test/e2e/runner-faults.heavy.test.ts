// Runners that hang, compute for ever, or find too little memory. Each time: a clear error, the other models go on, and all is well
// again without a restart.

import { expect, test } from "bun:test";
import { processFacts } from "../../src/base/process-facts.ts";
import { makeEndless } from "../support/endless-function.ts";
import { failure, fakeMemory } from "../support/faults.ts";
import { impossible } from "../support/figures.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { created, uploadSmallModel } from "./small-model-server.ts";
import { childrenOf, isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 60_000;
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const LONG = { num_predict: 4000, num_ctx: 2048, temperature: 1, seed: 3 };

async function untilComputing(pid: number): Promise<void> {
  const before = processFacts(pid)?.progress ?? 0;
  await until("the runner computes", () => (processFacts(pid)?.progress ?? 0) > before + 50);
}

async function runnersByModel(server: TestServer, client: NativeClient): Promise<{ m: number; other: number }> {
  await client.createTiny("m", "llama", 1);
  await client.createTiny("other", "llama", 2);
  await client.works("m");
  const [m = 0] = await childrenOf(server.pid);
  await client.works("other");
  const other = (await childrenOf(server.pid)).find((pid) => pid !== m) ?? 0;
  return { m, other };
}

test.skipIf(process.platform !== "linux")(
  "a runner that hangs is ended, its request told so, the others unaffected, and the next request loads it anew",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "2s" } });
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    const stuck = failure(client.generate("m", "go", LONG, { raw: true }));
    process.kill(m, "SIGSTOP");
    await client.works("other");
    expect(await stuck).toMatch(
      /model runner has unexpectedly stopped, it neither answered nor computed for 2 seconds/,
    );
    expect(isAlive(m)).toBe(false);
    await client.works("m");
    await client.works("other");
  },
  LIMIT_MS,
);

test.skipIf(process.platform !== "linux")(
  "a runner that computes for ever is ended, its requests told so, the others unaffected, and the next request loads it anew",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "500ms" } });
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    if (!makeEndless(m, "libllama.", "llama_decode")) return impossible("another process cannot be written to here");
    const abort = new AbortController();
    const left = failure(client.ask("/api/generate", { model: "m", prompt: "never", keep_alive: -1 }, abort.signal));
    const stuck = failure(client.generate("m", "go"));
    await untilComputing(m);
    const alsoStuck = failure(client.ask("/api/tokenize", { model: "m", text: "words" }));
    abort.abort();
    await left;
    await client.works("other");
    for (const each of [stuck, alsoStuck]) {
      expect(await each).toMatch(
        /runner has unexpectedly stopped, it computed for 5(?:\.\d)? seconds without getting anywhere/,
      );
    }
    expect(isAlive(m)).toBe(false);
    expect(server.log()).toContain("a runner hung and was ended");
    await client.works("m");
    await client.works("other");
  },
  LIMIT_MS,
);

test(
  "a runner that says nothing to a request for long, but gets on, is left alone",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "300ms" } });
    const client = new NativeClient(server);
    await client.createTiny("e", "bert");
    // More than ten times that long: all vectors come at the end.
    const input = Array.from({ length: 3_000 }, (_, i) => `text ${i} ${"word ".repeat(40)}`);
    const { embeddings } = await client.ask<{ embeddings: unknown[] }>("/api/embed", { model: "e", input });
    expect(embeddings).toHaveLength(input.length);
    expect(server.log()).not.toContain("a runner hung");
  },
  LIMIT_MS,
);

test.skipIf(process.platform !== "linux")(
  "a runner that computes for ever for a client that went away is ended all the same",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "300ms", OLLAMA_KEEP_ALIVE: "-1" } });
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    if (!makeEndless(m, "libllama.", "llama_decode")) return impossible("another process cannot be written to here");
    const abort = new AbortController();
    const left = failure(client.ask("/api/generate", { model: "m", prompt: "never" }, abort.signal));
    await untilComputing(m);
    abort.abort();
    await left;
    await until("it is ended", () => !isAlive(m));
    await client.works("m");
  },
  LIMIT_MS,
);

test(
  "a model that memory is too short for is refused with the figures, puts no other out, and loads once there is room",
  async () => {
    using memory = fakeMemory(8 * GIB);
    if (memory === undefined) return impossible("no file can be mounted over /proc/meminfo here");
    await using server = await startServer({ launcher: memory.launcher });
    const client = new NativeClient(server);
    await created(server, "large", await uploadSmallModel(server));
    await client.createTiny("small", "llama");
    await client.works("small");
    const before = await childrenOf(server.pid);
    memory.setAvailable(16 * MIB);
    for (let turn = 0; turn < 2; turn++) {
      expect(await failure(client.generate("large", "hi"))).toMatch(
        /^Error: 500 .*model requires more system memory \(\d{3} MB\) than is available \(16 MB\); \d{3} MB are missing: close other programs/,
      );
      await client.works("small");
    }
    expect(await childrenOf(server.pid)).toEqual(before);
    const answers = failure(client.generate("small", "go", LONG));
    expect(await failure(client.generate("large", "hi"))).toContain("requires more system memory");
    expect(await answers).toBe("no error");
    memory.setAvailable(4 * GIB);
    await client.works("large");
    await client.works("small");
  },
  LIMIT_MS,
);

test(
  "a runner that is ended for want of memory costs its own requests, and is loaded anew",
  async () => {
    if (Bun.which("prlimit") === null) return impossible("no prlimit here");
    await using server = await startServer();
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    const status = await Bun.file(`/proc/${m}/status`).text();
    const reservedBytes = Number(/^VmData:\s+(\d+)/m.exec(status)?.[1]) * 1024;
    expect(Bun.spawnSync(["prlimit", "--pid", String(m), `--data=${reservedBytes}`]).exitCode).toBe(0);
    const many = Array.from({ length: 8 }, (_, i) =>
      failure(client.generate("m", `${i} word `.repeat(300), { num_ctx: 2048, num_predict: 50 })),
    );
    for (const outcome of await Promise.all(many)) {
      expect(outcome).toMatch(/no error|500 .*(memory|unexpectedly stopped|could not|context)/);
    }
    await client.works("other");
    await until("the model is loaded anew", async () => (await failure(client.works("m"))) === "no error");
  },
  LIMIT_MS,
);
