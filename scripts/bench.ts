// `npm run bench`: what the server gives, as ratios to the engine's raw limit measured in the same run, interleaved.
//   --rounds N     rounds per row (default 3; medians are printed)
//   --peer N=URL   also measures another Ollama-compatible server that has the model (may repeat)
//   --only WORD    only the rows whose name holds the word; "registry" is a part of its own that needs no model
//   --blob-gb N    size of the blob of the registry part (default 2)
// Needs an otherwise idle machine: two programs that compute at once make llama.cpp's threads wait for each other.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usableThreads } from "../src/base/cpu.ts";
import { measureHop } from "./bench-hop.ts";
import type { RawEmbedTask, RawTask } from "./bench-raw.ts";
import { benchRegistry } from "./bench-registry.ts";
import { fetchSmallModel, smallModelName } from "./small-model.mjs";

const root = join(import.meta.dir, "..");
const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const rounds = Number(argument("rounds") ?? 3);
const only = argument("only") ?? "";
const peers = process.argv.flatMap((word, i) => (process.argv[i - 1] === "--peer" ? [word] : []));
const threads = usableThreads();

const WORDS =
  "river stone light music garden winter paper ocean market silver engine forest letter bridge summer window".split(
    " ",
  );
let seed = 7;
function random(): number {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
}
const words = (count: number) =>
  Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
const shortPrompt = () => `Story ${random().toFixed(6)}: once upon a time there was a ${words(8)} and`;
const longPrompt = () => `Run ${random().toFixed(9)}. ${words(380)}. Summary:`;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

interface Server {
  readonly name: string;
  readonly url: string;
}

interface StreamResult {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly tokens: number;
  readonly text: string;
  readonly final: Record<string, unknown>;
}

/** One streamed answer; times are from the start of the request. */
async function stream(
  url: string,
  prompt: string,
  tokens: number,
  options: Record<string, unknown> = {},
): Promise<StreamResult> {
  const startedMs = performance.now();
  const body = {
    model: smallModelName,
    prompt,
    raw: true,
    options: { temperature: 0, num_predict: tokens, seed: 1, stop: [], ...options },
  };
  const response = await fetch(`${url}/api/generate`, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let firstMs = 0;
  let text = "";
  let rest = "";
  let final: Record<string, unknown> = {};
  for await (const chunk of response.body ?? []) {
    if (firstMs === 0) firstMs = performance.now() - startedMs;
    const lines = (rest + Buffer.from(chunk).toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      final = JSON.parse(line) as Record<string, unknown>;
      if (typeof final["error"] === "string") throw new Error(final["error"]);
      text += typeof final["response"] === "string" ? final["response"] : "";
    }
  }
  return { firstMs, lastMs: performance.now() - startedMs, tokens: Number(final["eval_count"] ?? 0), text, final };
}

const libraries = join(root, "node_modules/@node-llama-cpp", `linux-${process.arch}`, "bins", `linux-${process.arch}`);

async function measureApart<T>(task: RawTask | RawEmbedTask): Promise<T> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "bench-raw.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  void child.stdin.write(JSON.stringify(task));
  await child.stdin.end();
  return JSON.parse(await new Response(child.stdout).text()) as T;
}

function raw(prompts: readonly string[], tokens: number, contextPerSequence: number) {
  return measureApart<{ promptMs: number; totalMs: number; generateMs: number; tokens: number }>({
    directory: libraries,
    backend: undefined,
    model: fetchSmallModel(),
    threads,
    prompts,
    tokens,
    contextPerSequence,
  });
}

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
      const measured = await measureApart<{ totalMs: number }>({
        directory: libraries,
        model: fetchSmallModel(),
        threads,
        texts,
      });
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

/** What a person asks to have edited. */
const MINUTES =
  "The committee met on Tuesday to discuss the new library. Mrs Harris said that the roof must be repaired before winter, and that the old reading room should stay open until the work is done. The mayor agreed, but asked for a second estimate. Everyone hoped that the children's corner could be painted in bright colours by spring. Mr Lewis reported on the cost of new shelves and promised to bring three offers to the next meeting.";

async function speculation({ url }: Server): Promise<void> {
  if (!"speculation".includes(only)) return;
  const edited = (day: string) =>
    `Here is the text with the day set to ${day}:\n\n${MINUTES.replace("Tuesday", day)}\n\n`;
  const copy = `Here is a text:\n\n${MINUTES}\n\n${edited("Monday")}Here is the text with the day set to Friday:\n\n`;
  for (const [name, prompt] of [
    ["copy-editing", copy],
    ["free text", shortPrompt()],
  ] as const) {
    const off: number[] = [];
    const on: number[] = [];
    const parted: number[] = [];
    let drafted = 0;
    let accepted = 0;
    for (let round = 0; round < rounds; round++) {
      const plain = await stream(url, prompt, 96, { draft_num_predict: 0 });
      const guessed = await stream(url, prompt, 96);
      off.push(plain.tokens / (plain.lastMs - plain.firstMs));
      on.push(guessed.tokens / (guessed.lastMs - guessed.firstMs));
      drafted += Number(guessed.final["draft_count"] ?? 0);
      accepted += Number(guessed.final["draft_accepted_count"] ?? 0);
      if (plain.text !== guessed.text) parted.push(await gapWhereTheyPart(url, prompt, plain.text, guessed.text));
    }
    const texts =
      parted.length === 0 ? "identical" : `part at a gap of ${Math.max(...parted).toFixed(3)} in log-probability`;
    print(
      `speculation, ${name}: ${(median(on) / median(off)).toFixed(2)}× of without, ${accepted} of ${drafted} guesses right, texts ${texts}`,
    );
  }
}

/** How much better the first choice was than the second where two answers first differ: near 0 for a tie. */
async function gapWhereTheyPart(url: string, prompt: string, a: string, b: string): Promise<number> {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const common = a.slice(0, a.slice(0, same).lastIndexOf(" ") + 1).trimEnd();
  const options = { temperature: 0, num_predict: 4 };
  const body = {
    model: smallModelName,
    prompt: prompt + common,
    raw: true,
    stream: false,
    logprobs: true,
    top_logprobs: 2,
    options,
  };
  const response = await fetch(`${url}/api/generate`, { method: "POST", body: JSON.stringify(body) });
  const { logprobs } = (await response.json()) as { logprobs: { top_logprobs: { logprob: number }[] }[] };
  const gaps = logprobs.map(({ top_logprobs: [first, second] }) => (first?.logprob ?? 0) - (second?.logprob ?? 0));
  return Math.min(...gaps);
}

async function queueing({ url }: Server): Promise<void> {
  if (!"64 clients".includes(only)) return;
  const p95 = async (clients: number) => {
    const results = await Promise.all(Array.from({ length: clients }, () => stream(url, shortPrompt(), 32)));
    const first = results.map(({ firstMs }) => firstMs).sort((a, b) => a - b);
    return first[Math.floor(first.length * 0.95)] ?? Number.NaN;
  };
  const [small, large] = [await p95(16), await p95(64)];
  print(
    `64 clients: all answered; p95 first token ${large.toFixed(0)} ms = ${(large / small).toFixed(2)}× that of 16 (${small.toFixed(0)} ms)`,
  );
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
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

async function startServer() {
  const child = Bun.spawn([binary, "serve"], { env, stdout: "ignore", stderr: "ignore" });
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
  if ("remote hop".includes(only)) await measureHop({ binary, env, url, rounds, median, print });
  const ours: Server = { name: "ours", url };
  const all = [
    ours,
    ...peers.map((peer) => ({ name: peer.split("=")[0] ?? "peer", url: peer.slice(peer.indexOf("=") + 1) })),
  ];
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
  for (const kind of ["short", "long"] as const) {
    for (const streams of [1, 4, 16]) await throughput(all, streams, kind, streams === 1 ? 128 : 64);
  }
  await embeddings(all);
  await firstToken(all);
  await sharedPrefix(ours);
  await speculation(ours);
  await queueing(ours);
  const [runner = 0] = childrenOf(server.pid);
  print(
    `memory: server ${(residentBytes(server.pid) / 1e6).toFixed(0)} MB, runner ${(residentBytes(runner) / 1e6).toFixed(0)} MB`,
  );
  const prompt = longPrompt();
  const cold = (await stream(url, prompt, 1)).firstMs;
  await Bun.sleep(1500);
  server.kill("SIGKILL");
  await server.exited;
  server = await startServer();
  await stream(url, "Hello", 1);
  const back = (await stream(url, prompt, 1)).firstMs;
  print(
    `after kill -9 and restart: first token of a known prompt ${back.toFixed(0)} ms = ${((back / cold) * 100).toFixed(0)} % of cold (${cold.toFixed(0)} ms)`,
  );
} finally {
  server.kill("SIGTERM");
  await server.exited;
  rmSync(home, { recursive: true, force: true });
}
