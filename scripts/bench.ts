// `npm run bench`: what the server gives, as ratios to the engine's raw limit measured in the same run, interleaved.
//   --rounds N     rounds per row (default 3; medians are printed)
//   --peer N=URL   also measures another server that has the model (may repeat): an Ollama, or at …/v1 what speaks OpenAI's dialect
//   --only WORD    only the rows whose name holds the word ("many requests", "confined", "remote hop", "speculation", …); "registry" is a part of its own that needs no model
//   --blob-gb N    size of the blob of the registry part (default 2)
// Needs an otherwise idle machine: two programs that compute at once make llama.cpp's threads wait for each other.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  childrenOf,
  libraries,
  listenerOf,
  longPrompt,
  measureApart,
  median,
  processorMs,
  random,
  raw,
  rawEmbeddings,
  residentBytes,
  type Server,
  shortPrompt,
  speaksOpenAI,
  stream,
  threads,
  words,
} from "./bench-client.ts";
import { measureHop } from "./bench-hop.ts";
import { measureMemory } from "./bench-memory.ts";
import { type ConfinedServer, measureConfined } from "./bench-processors.ts";
import { benchRegistry } from "./bench-registry.ts";
import type { SamplingRow, SamplingTask } from "./bench-sampling.ts";
import { speculation } from "./bench-speculation.ts";
import { fetchSmallModel, smallModelName } from "./small-model.mjs";

const root = join(import.meta.dir, "..");
const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const rounds = Number(argument("rounds") ?? 3);
const only = argument("only") ?? "";
const peers = process.argv.flatMap((word, i) => (process.argv[i - 1] === "--peer" ? [word] : []));

const report: string[] = [];
function print(line: string): void {
  report.push(line);
  console.log(line);
}

/** Streams × prompt kind: aggregate tok/s of the servers over the raw loop's, prompts included on both sides. */
async function throughput(
  servers: readonly Server[],
  streams: number,
  kind: "short" | "long",
  tokens: number,
): Promise<void> {
  const name = `${streams} stream${streams === 1 ? "" : "s"}, ${kind} prompts`;
  if (!name.includes(only)) return;
  const make = kind === "short" ? shortPrompt : longPrompt;
  const context = kind === "short" ? 256 : 1024;
  const rawRates: number[] = [];
  const rates = new Map<string, number[]>(servers.map(({ name: server }) => [server, []]));
  for (let round = 0; round < rounds; round++) {
    const measured = await raw(Array.from({ length: streams }, make), tokens, context);
    rawRates.push((measured.tokens / measured.totalMs) * 1000);
    for (const server of servers) {
      const startedMs = performance.now();
      const results = await Promise.all(Array.from({ length: streams }, () => stream(server.url, make(), tokens)));
      const total = results.reduce((sum, result) => sum + result.tokens, 0);
      rates.get(server.name)?.push((total / (performance.now() - startedMs)) * 1000);
    }
  }
  printRates(name, "tok/s", median(rawRates), servers, rates);
}

/** Texts of one request, and of 16 at once: texts/s of the servers over the bare batched loop's. */
async function embeddings(servers: readonly Server[]): Promise<void> {
  for (const clients of [1, 16]) {
    const name = `embeddings, ${clients} request${clients === 1 ? "" : "s"}`;
    if (!name.includes(only)) continue;
    const rawRates: number[] = [];
    const rates = new Map<string, number[]>(servers.map(({ name: server }) => [server, []]));
    for (let round = 0; round < rounds; round++) {
      const texts = Array.from({ length: 32 }, () => words(40));
      const measured = await rawEmbeddings(texts);
      rawRates.push((texts.length / measured.totalMs) * 1000);
      for (const server of servers) {
        const share = texts.length / clients;
        const ask = (input: readonly string[]) => embedOnce(server.url, input);
        await ask(["warm"]);
        const startedMs = performance.now();
        await Promise.all(Array.from({ length: clients }, (_, i) => ask(texts.slice(i * share, (i + 1) * share))));
        rates.get(server.name)?.push((texts.length / (performance.now() - startedMs)) * 1000);
      }
    }
    printRates(name, "texts/s", median(rawRates), servers, rates);
  }
}

async function embedOnce(server: string, input: readonly string[]): Promise<void> {
  const body = JSON.stringify({ model: smallModelName, input });
  const response = await fetch(`${server}/api/embed`, { method: "POST", body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

function printRates(
  name: string,
  unit: string,
  limit: number,
  servers: readonly Server[],
  rates: ReadonlyMap<string, readonly number[]>,
): void {
  const shown = servers.map(({ name: server }) => {
    const rate = median(rates.get(server) ?? []);
    return `${server} ${rate.toFixed(1)} ${unit} = ${(rate / limit).toFixed(2)} of raw`;
  });
  print(`${name}: raw ${limit.toFixed(1)} ${unit}; ${shown.join("; ")}`);
}

async function firstToken(servers: readonly Server[]): Promise<void> {
  if (!"first token".includes(only)) return;
  for (const { name, url } of servers) {
    const cold: number[] = [];
    const warm: number[] = [];
    const step: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const prompt = longPrompt();
      cold.push((await stream(url, prompt, 1)).firstMs);
      warm.push((await stream(url, prompt, 1)).firstMs);
      const { firstMs, lastMs, tokens } = await stream(url, shortPrompt(), 32);
      step.push((lastMs - firstMs) / (tokens - 1));
    }
    const steps = median(warm) / median(step);
    print(
      `first token of a 400-token prompt (${name}): cold ${median(cold).toFixed(0)} ms, warm ${median(warm).toFixed(1)} ms = ${steps.toFixed(1)} decode steps`,
    );
  }
}

async function sharedPrefix({ url }: Server): Promise<void> {
  if (!"shared prefix".includes(only)) return;
  const prefix = `Run ${random().toFixed(9)}. ${words(900)}.`;
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, i) => stream(url, `${prefix} Question ${i}: ${words(3)}?`, 4)),
  );
  const work = results.reduce(
    (sum, { final }) => sum + Number(final["prompt_eval_count"] ?? 0) - Number(final["prompt_cached_count"] ?? 0),
    0,
  );
  const one = Number(results[0]?.final["prompt_eval_count"] ?? 0);
  print(
    `shared prefix: 8 clients with the same ${one}-token prompt computed ${work} prompt tokens = ${(work / one).toFixed(2)}× one`,
  );
}

/** The engine computes every prompt, whoever serves it: four times as many take about four times as long. */
async function queueing(servers: readonly Server[]): Promise<void> {
  if (!"64 clients".includes(only)) return;
  const p95 = async (url: string, clients: number) => {
    const results = await Promise.all(Array.from({ length: clients }, () => stream(url, shortPrompt(), 32)));
    const first = results.map(({ firstMs }) => firstMs).sort((a, b) => a - b);
    return first[Math.floor(first.length * 0.95)] ?? Number.NaN;
  };
  const rawMs = async (clients: number) => (await raw(Array.from({ length: clients }, shortPrompt), 1, 256)).promptMs;
  const sides = [
    { name: "the raw loop has all prompts after", measure: rawMs },
    ...servers.map(({ name, url }) => ({
      name: `${name}, p95 to the first token`,
      measure: (clients: number) => p95(url, clients),
    })),
  ].map((side) => ({ ...side, small: [] as number[], large: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { measure, small, large } of sides) {
      small.push(await measure(16));
      large.push(await measure(64));
    }
  }
  const shown = sides.map(({ name, small, large }) => {
    const [few, many] = [median(small), median(large)];
    return `${name} ${many.toFixed(0)} ms = ${(many / few).toFixed(2)}× that of 16 (${few.toFixed(0)} ms)`;
  });
  print(`64 clients, all answered: ${shown.join("; ")}`);
}

/** What a server itself takes for 16 streams, beside what its engine takes. The clock of /proc ticks every 10 ms. */
async function serverShare(servers: readonly Server[]): Promise<void> {
  if (!"server processor time".includes(only)) return;
  for (const { name, url } of servers) {
    const pid = listenerOf(Number(new URL(url).port));
    if (pid === undefined) continue;
    await stream(url, shortPrompt(), 1);
    const engines = childrenOf(pid);
    const spent = () => ({ server: processorMs([pid]), engine: processorMs(engines) });
    const before = spent();
    const results = await Promise.all(Array.from({ length: 16 }, () => stream(url, shortPrompt(), 300)));
    const after = spent();
    const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
    const user = after.server.user - before.server.user;
    const kernel = after.server.kernel - before.server.kernel;
    const engine = after.engine.user + after.engine.kernel - before.engine.user - before.engine.kernel;
    const each = (ms: number) => ((ms * 1000) / tokens).toFixed(0);
    print(
      `server processor time (${name}), 16 streams, ${tokens} tokens: ${each(user + kernel)} µs a token (${each(user)} program, ${each(kernel)} kernel) = ${(((user + kernel) / engine) * 100).toFixed(1)} % of the engine's`,
    );
  }
}

async function sampling(): Promise<void> {
  if (!"sampling".includes(only)) return;
  const task: SamplingTask = { directory: libraries, model: fetchSmallModel() };
  for (const { name, chainUs, oursUs } of await measureApart<SamplingRow[]>("bench-sampling.ts", task)) {
    print(
      `sampling, ${name}: llama.cpp's chain ${chainUs.toFixed(0)} µs, ours ${oursUs.toFixed(0)} µs = ${(oursUs / chainUs).toFixed(2)} of it`,
    );
  }
}

async function coldStart({ url }: Server): Promise<void> {
  if (!"cold start".includes(only)) return;
  const unload = () =>
    fetch(`${url}/api/generate`, { method: "POST", body: JSON.stringify({ model: smallModelName, keep_alive: 0 }) });
  const starts: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    starts.push((await stream(url, "Hello", 1)).firstMs);
    await unload();
    await Bun.sleep(300);
  }
  print(
    `cold start, request to first token of an unloaded model: ${median(starts.slice(1)).toFixed(0)} ms (the very first: ${starts[0]?.toFixed(0)} ms)`,
  );
}

async function memory({ url }: Server, pid: number): Promise<void> {
  if (!"memory".includes(only)) return;
  await stream(url, shortPrompt(), 1);
  const [runner = 0] = childrenOf(pid);
  print(
    `memory: server ${(residentBytes(pid) / 1e6).toFixed(0)} MB, runner ${(residentBytes(runner) / 1e6).toFixed(0)} MB`,
  );
}

/** A server that is killed finds the prompts on disk that it knew. */
async function restart(running: Running, { url }: Server): Promise<Running> {
  const prompt = longPrompt();
  const cold = (await stream(url, prompt, 1)).firstMs;
  await Bun.sleep(1500);
  running.kill("SIGKILL");
  await running.exited;
  const next = await startServer();
  await stream(url, "Hello", 1);
  const back = (await stream(url, prompt, 1)).firstMs;
  print(
    `after kill -9 and restart: first token of a known prompt ${back.toFixed(0)} ms = ${((back / cold) * 100).toFixed(0)} % of cold (${cold.toFixed(0)} ms)`,
  );
  return next;
}

const home = mkdtempSync(join(tmpdir(), "ollama-bench-"));
const port = 20_000 + Math.floor(Math.random() * 20_000);
const url = `http://127.0.0.1:${port}`;
const binary = join(root, "dist/ollama");
const env = {
  ...process.env,
  HOME: home,
  OLLAMA_HOST: `127.0.0.1:${port}`,
  OLLAMA_MODELS: join(home, "models"),
  XDG_CACHE_HOME: join(home, "cache"),
};

type Running = Awaited<ReturnType<typeof startServer>>;

async function startServer(wrap: readonly string[] = [], confine: (pid: number) => void = () => undefined) {
  const child = Bun.spawn([...wrap, binary, "serve"], { env, stdout: "ignore", stderr: "ignore" });
  confine(child.pid);
  for (let waited = 0; waited < 100; waited++) {
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return child;
    await Bun.sleep(50);
  }
  throw new Error("the server does not answer");
}

async function startConfined(wrap: readonly string[], confine: (pid: number) => void): Promise<ConfinedServer> {
  const confined = await startServer(wrap, confine);
  return {
    server: { name: "ours", url },
    async [Symbol.asyncDispose]() {
      confined.kill("SIGTERM");
      await confined.exited;
    },
  };
}

if ("registry".includes(only)) {
  const lines = await benchRegistry(rounds, Math.round(Number(argument("blob-gb") ?? 2) * 1e9));
  for (const line of lines) print(line);
}
if (only === "registry") process.exit(0);

let server = await startServer();
try {
  const modelfile = join(home, "Modelfile");
  writeFileSync(modelfile, `FROM ${fetchSmallModel()}\n`);
  const created = Bun.spawnSync([binary, "create", smallModelName, "-f", modelfile], { env });
  if (created.exitCode !== 0) throw new Error(created.stderr.toString());
  print(`${threads} threads, ${rounds} rounds, medians`);
  if ("remote hop".includes(only)) await measureHop({ binary, env, url, pid: server.pid, rounds, print });
  const ours: Server = { name: "ours", url };
  const all = [
    ours,
    ...peers.map((peer) => ({ name: peer.split("=")[0] ?? "peer", url: peer.slice(peer.indexOf("=") + 1) })),
  ];
  await coldStart(ours);
  for (const kind of ["short", "long"] as const) {
    for (const streams of [1, 4, 16]) await throughput(all, streams, kind, streams === 1 ? 128 : 64);
  }
  await embeddings(all.filter(({ url: peer }) => !speaksOpenAI(peer)));
  await firstToken(all);
  await sharedPrefix(ours);
  if ("speculation".includes(only)) await speculation(ours, rounds, print);
  await queueing(all);
  await serverShare(all);
  await sampling();
  await memory(ours, server.pid);
  // Only when asked for: it takes as long as all the others together.
  if (only === "many requests") await measureMemory(ours, server.pid, 10_000, print);
  if ("confined".includes(only)) {
    server.kill("SIGTERM");
    await server.exited;
    await measureConfined(startConfined, rounds, print);
    server = await startServer();
  }
  if ("restart".includes(only)) server = await restart(server, ours);
} finally {
  server.kill("SIGTERM");
  await server.exited;
  rmSync(home, { recursive: true, force: true });
}
