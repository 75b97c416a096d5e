// The scheduler with real runners on tiny models: keep-alive, several models, queue limit, runners that die, and that no
// process is left behind by any way a server can end.

import { describe, expect, test } from "bun:test";
import { startServer } from "../support/server.ts";
import { childrenOf, isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 90_000;
/** Long enough to be still running when the test looks, short enough not to outlive it by much. */
const LONG = { num_predict: 4000, num_ctx: 2048, temperature: 1, seed: 3 };
/** Tiny models write noise, which may end early; this keeps it going. */
const ENDLESS = { raw: true };

describe("keep-alive (spec 7.02, 7.03)", () => {
  test(
    "a model stays as long as asked, stickily, and 0 unloads it at once",
    async () => {
      await using server = await startServer();
      const client = new NativeClient(server);
      await client.createTiny("m", "llama");
      const lifetime = async (): Promise<number> => {
        const [model] = await client.running();
        return (Date.parse(model?.expires_at ?? "") - Date.now()) / 60_000;
      };
      await client.generate("m", "hi");
      expect(await lifetime()).toBeWithin(4, 5.01);
      await client.generate("m", "hi", {}, { keep_alive: "1h" });
      expect(await lifetime()).toBeWithin(58, 60.01);
      await client.generate("m", "hi");
      expect(await lifetime()).toBeWithin(58, 60.01);
      await client.generate("m", "hi", {}, { keep_alive: -1 });
      expect(await lifetime()).toBeGreaterThan(60 * 24 * 365 * 200);
      const [runner] = await childrenOf(server.pid);
      await client.generate("m", "", {}, { keep_alive: 0 });
      await until("the runner is gone", async () => (await client.running()).length === 0 && !isAlive(runner ?? 0));
    },
    LIMIT_MS,
  );

  test(
    "a short time runs out by itself, counted from the end of the last request",
    async () => {
      await using server = await startServer({ env: { OLLAMA_KEEP_ALIVE: "300ms" } });
      const client = new NativeClient(server);
      await client.createTiny("m", "llama");
      await client.generate("m", "hi", {}, { keep_alive: "1s" });
      await until("the model is unloaded", async () => (await client.running()).length === 0);
      await client.generate("m", "hi");
      await until("the model is unloaded again", async () => (await client.running()).length === 0);
    },
    LIMIT_MS,
  );
});

test(
  "several models are resident at once, and the limit evicts the one used least recently",
  async () => {
    await using server = await startServer({ env: { OLLAMA_MAX_LOADED_MODELS: "2" } });
    const client = new NativeClient(server);
    for (const [seed, name] of ["a", "b", "c"].entries()) await client.createTiny(name, "llama", seed + 1);
    const names = async () => (await client.running()).map(({ name }) => name).sort();
    await client.generate("a", "hi");
    await client.generate("b", "hi");
    expect(await names()).toEqual(["a:latest", "b:latest"]);
    await client.generate("c", "hi");
    expect(await names()).toEqual(["b:latest", "c:latest"]);
    const answers = await Promise.all([
      client.generate("b", "x"),
      client.generate("c", "x"),
      client.generate("b", "y"),
    ]);
    expect(answers.every(({ done_reason }) => ["stop", "length"].includes(done_reason))).toBe(true);
  },
  LIMIT_MS,
);

test(
  "two names of one file share a runner (spec 7.01), and deleting one keeps the other going",
  async () => {
    await using server = await startServer();
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await client.post("/api/copy", { source: "m", destination: "twin" });
    await client.generate("m", "hi");
    await client.generate("twin", "hi");
    expect(await client.running()).toHaveLength(1);
    await client.fetch("/api/delete", { method: "DELETE", body: '{"model":"m"}' });
    expect((await client.generate("twin", "hi")).done_reason).toMatch(/stop|length/);
  },
  LIMIT_MS,
);

test(
  "a full queue refuses at once with 503 and Ollama's words (spec 7.04)",
  async () => {
    await using server = await startServer({ env: { OLLAMA_MAX_QUEUE: "1", OLLAMA_NUM_PARALLEL: "1" } });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await client.generate("m", "hi");
    const abort = new AbortController();
    const body = { model: "m", prompt: "go", options: LONG, ...ENDLESS };
    const running = Array.from({ length: 12 }, () => client.post("/api/generate", body, abort.signal));
    const statuses = await Promise.race(
      running.map(async (pending) => {
        const response = await pending;
        if (response.status !== 503) return new Promise<never>(() => {});
        return [response.headers.get("retry-after"), await response.text()];
      }),
    );
    expect(statuses).toEqual(["1", '{"error":"server busy, please try again.  maximum pending requests exceeded"}']);
    abort.abort();
    await Promise.allSettled(running);
    await until(
      "the aborted requests have left",
      async () => (await client.generate("m", "still there").catch(() => undefined)) !== undefined,
    );
  },
  LIMIT_MS,
);

test(
  "while a model loads, whoever it is loaded for is not in the queue",
  async () => {
    await using server = await startServer({ env: { OLLAMA_MAX_QUEUE: "2", OLLAMA_NUM_PARALLEL: "1" } });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    const body = { model: "m", prompt: "go", stream: false, options: { num_predict: 2 } };
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.post("/api/generate", body)));
    // Ollama 0.33.0 answers three of eight.
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 200, 503, 503, 503, 503, 503]);
  },
  LIMIT_MS,
);

describe("a runner that is killed", () => {
  test(
    "ends its request with an error, leaves other models alone, and the next request loads again",
    async () => {
      await using server = await startServer();
      const client = new NativeClient(server);
      await client.createTiny("m", "llama", 1);
      await client.createTiny("other", "llama", 2);
      await client.generate("m", "hi");
      const [victim] = await childrenOf(server.pid);
      await client.generate("other", "hi");
      const stream = await client.post("/api/generate", { model: "m", prompt: "go", options: LONG, ...ENDLESS });
      const reader = stream.body?.getReader();
      await reader?.read();
      process.kill(victim ?? 0, "SIGKILL");
      let rest = "";
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
        rest += new TextDecoder().decode(part.value);
      }
      expect(rest.trimEnd().split("\n").at(-1)).toContain("model runner has unexpectedly stopped");
      expect((await client.running()).map(({ name }) => name)).toEqual(["other:latest"]);
      expect((await client.generate("other", "hi")).done_reason).toMatch(/stop|length/);
      expect((await client.generate("m", "hi")).done_reason).toMatch(/stop|length/);
    },
    LIMIT_MS,
  );
});

describe("no process is left", () => {
  const endings: [string, NodeJS.Signals, number | null][] = [
    ["SIGTERM", "SIGTERM", 0],
    ["Ctrl-C", "SIGINT", 0],
    ["kill -9", "SIGKILL", null],
  ];
  test.each(endings)(
    "after %s in the middle of an answer",
    async (_, signal) => {
      // The answer would be waited for.
      await using server = await startServer({ env: { OLLAMA_SHUTDOWN_TIMEOUT: "1s" } });
      const client = new NativeClient(server);
      await client.createTiny("m", "llama");
      const stream = await client.post("/api/generate", { model: "m", prompt: "go", options: LONG, ...ENDLESS });
      await stream.body?.getReader().read();
      const children = await childrenOf(server.pid);
      expect(children.length).toBeGreaterThan(0);
      process.kill(server.pid, signal);
      await until("server and runners are gone", () => ![server.pid, ...children].some(isAlive), 10_000);
    },
    LIMIT_MS,
  );
});

test(
  "a loaded idle model uses next to no processor time",
  async () => {
    await using server = await startServer();
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await client.generate("m", "hi");
    const [runner] = await childrenOf(server.pid);
    const ticks = async (pid: number): Promise<number> => {
      const fields = (await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.split(" ") ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    const both = async () => (await ticks(server.pid)) + (await ticks(runner ?? 0));
    await Bun.sleep(1500); // idle work, such as writing states, is done by then
    const before = await both();
    await Bun.sleep(5000);
    // A tick is 10 ms: under 1 % of two processes' time over five seconds, each measured in whole ticks.
    expect((await both()) - before).toBeLessThanOrEqual(10);
  },
  LIMIT_MS,
);
