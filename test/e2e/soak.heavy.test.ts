// Many clients of every temper at once, for a while: no answer is lost, and when they have gone the server holds no more
// memory, descriptors or processes than before. Twenty seconds here; `npm run test:soak` takes five minutes.

import { expect, test } from "bun:test";
import { tellFigures } from "../support/figures.ts";
import { sampleProcess } from "../support/process-sample.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { childrenOf, NativeClient, until } from "./native-client.ts";
import { CLIENTS, type Outcome, type SoakModels } from "./soak-clients.ts";

const IS_LONG = process.env["OLLAMA_TEST_LONG"] === "1";
const SECONDS = Number(process.env["OLLAMA_SOAK_SECONDS"] ?? (IS_LONG ? 300 : 20));
const CLIENT_COUNT = 64;
const MIB = 1024 * 1024;
/** What a garbage collector may still hold; a leak of one answer in a thousand shows within minutes all the same. */
const MEMORY_GROWTH_LIMIT = 96 * MIB;
const MODELS: SoakModels = { text: ["a", "b"], embedding: "e" };

async function prepare(server: TestServer): Promise<void> {
  const client = new NativeClient(server);
  await client.createTiny("a", "llama", 1);
  await client.createTiny("b", "lfm2", 2);
  await client.createTiny("e", "bert", 3);
  for (const model of MODELS.text) await client.generate(model, "warm up", { num_ctx: 512 });
  await client.ask("/api/embed", { model: "e", input: "warm up" });
}

interface Holding {
  readonly memory: number;
  readonly descriptors: number;
  readonly processes: number;
}

/** Server and runners together, once no request is left. */
async function holdings(server: TestServer): Promise<Holding> {
  const client = new NativeClient(server);
  await until("all requests have left", async () => {
    const { models } = (await (await client.fetch("/api/ps")).json()) as { models: { active_requests?: number }[] };
    return models.every(({ active_requests: active }) => (active ?? 0) === 0);
  });
  const runners = await childrenOf(server.pid);
  const samples = [server.pid, ...runners].map(sampleProcess);
  return {
    memory: samples.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    descriptors: samples[0]?.descriptors ?? 0,
    processes: runners.length,
  };
}

function inMiB({ memory, ...others }: Holding): object {
  return { ...others, memoryMiB: Math.round(memory / MIB) };
}

/** Runs all clients until the time is up; every request is seen to its end. */
async function soak(server: TestServer, seconds: number, tally: Map<string, number>): Promise<void> {
  const endMs = performance.now() + seconds * 1000;
  const loop = async (seed: number): Promise<void> => {
    const random = seededRandom(seed);
    while (performance.now() < endMs) {
      const [name, client] = CLIENTS[random.below(CLIENTS.length)] as (typeof CLIENTS)[number];
      const outcome = await client(server, MODELS, random).catch((error: unknown): Outcome => `lost: ${String(error)}`);
      const key = outcome.startsWith("lost") ? `${name} ${outcome}` : outcome;
      tally.set(key, (tally.get(key) ?? 0) + 1);
      if (outcome === "busy") await Bun.sleep(200);
    }
  };
  await Promise.all(Array.from({ length: CLIENT_COUNT }, (_, i) => loop(1000 + i)));
}

test(
  `${CLIENT_COUNT} clients for ${SECONDS} seconds lose no answer and leave nothing behind`,
  async () => {
    await using server = await startServer({
      env: { OLLAMA_KEEP_ALIVE: "1h", OLLAMA_PREFIX_CACHE_MB: "16", OLLAMA_STATE_CACHE_MB: "16" },
    });
    await prepare(server);
    const tally = new Map<string, number>();
    // What the first quarter takes is room for buffers and caches; from then on it must stay.
    const held: Holding[] = [];
    for (let quarter = 0; quarter < 4; quarter++) {
      await soak(server, SECONDS / 4, tally);
      held.push(await holdings(server));
    }
    const [before, after] = [held[0], held[3]];
    if (before === undefined || after === undefined) throw new Error("nothing was measured");
    tellFigures("soak", {
      seconds: SECONDS,
      clients: CLIENT_COUNT,
      lost: [...tally.keys()].filter((key) => key.includes("lost")).length,
      ...Object.fromEntries(tally),
      afterEachQuarter: held.map(inMiB),
    });
    expect([...tally.keys()].filter((key) => key.includes("lost"))).toEqual([]);
    expect(tally.get("answered") ?? 0).toBeGreaterThan(SECONDS * 2);
    expect(tally.get("aborted") ?? 0).toBeGreaterThan(SECONDS / 5);
    expect(after.processes).toBe(before.processes);
    // Connections that clients keep open come and go.
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + CLIENT_COUNT);
    expect(after.memory - before.memory).toBeLessThan(MEMORY_GROWTH_LIMIT);
  },
  (SECONDS + 90) * 1000,
);
