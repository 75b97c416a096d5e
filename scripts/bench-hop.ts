// What the hop to an engine elsewhere costs: the same OpenAI request to the engine itself, through a bare proxy (what the
// runtime costs at least), and through this server, in turns. The engine (bench-engine.ts) computes nothing, so the hop is
// what is measured.

import { join } from "node:path";
import { median, processorMs } from "./bench-client.ts";

const TOKENS = 64;
const STREAMS = 32;
/** First tokens are timed with short answers: before anything is compiled, and after this many requests. */
const FEW = 2;
const WARM_UP = 200;

/** Milliseconds until the first token. */
async function ask({ url, model }: Place, tokens: number): Promise<number> {
  const startedMs = performance.now();
  const messages = [{ role: "user", content: "Hi" }];
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model, messages, stream: true, max_tokens: tokens }),
    proxy: false,
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let firstMs = 0;
  let count = 0;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const words = decoder.decode(chunk, { stream: true }).split(" word").length - 1;
    if (words > 0 && count === 0) firstMs = performance.now() - startedMs;
    count += words;
  }
  if (count !== tokens) throw new Error(`${count} tokens instead of ${tokens}`);
  return firstMs;
}

interface Place {
  readonly name: string;
  readonly url: string;
  readonly model: string;
  readonly pid: number;
}

/** Median first tokens of all places, asked in turns. */
async function firstTokens(places: readonly Place[], requests: number): Promise<number[]> {
  const times = places.map((): number[] => []);
  for (let request = 0; request < requests; request++) {
    for (const [at, place] of places.entries()) times[at]?.push(await ask(place, FEW));
  }
  return times.map(median);
}

interface Rate {
  readonly tokensPerSecond: number;
  /** Processor time of the place itself. */
  readonly microseconds: number;
}

async function rate(place: Place): Promise<Rate> {
  const before = processorMs([place.pid]);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: STREAMS }, () => ask(place, TOKENS)));
  const ms = performance.now() - startedMs;
  const after = processorMs([place.pid]);
  const spentMs = after.user + after.kernel - before.user - before.kernel;
  const tokens = STREAMS * TOKENS;
  return { tokensPerSecond: (tokens * 1000) / ms, microseconds: (spentMs * 1000) / tokens };
}

async function rates(places: readonly Place[], rounds: number): Promise<Rate[]> {
  const found = places.map((): Rate[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, place] of places.entries()) found[at]?.push(await rate(place));
  }
  return found.map((all) => ({
    tokensPerSecond: median(all.map(({ tokensPerSecond }) => tokensPerSecond)),
    // The clock of /proc is coarse: all rounds together.
    microseconds: all.reduce((sum, { microseconds }) => sum + microseconds, 0) / all.length,
  }));
}

export interface HopBench {
  readonly binary: string;
  readonly env: Record<string, string | undefined>;
  readonly url: string;
  readonly pid: number;
  readonly rounds: number;
  readonly print: (line: string) => void;
}

interface Started extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

async function start(env: Record<string, string>): Promise<Started> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "bench-engine.ts")], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  return {
    url: `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

export async function measureHop({ binary, env, url, pid, rounds, print }: HopBench): Promise<void> {
  for (const stepMs of [20, 0]) {
    await using engine = await start({ BENCH_TOKEN_MS: String(stepMs) });
    await using proxy = await start({ BENCH_UPSTREAM: engine.url });
    const allowed = Bun.spawnSync([binary, "remote", "allow", engine.url], { env });
    if (allowed.exitCode !== 0) throw new Error(allowed.stderr.toString());
    const model = `hop-${stepMs}`;
    const body = JSON.stringify({ model, from: "fast", remote_host: `${engine.url}/v1`, stream: false });
    const created = await fetch(`${url}/api/create`, { method: "POST", body, proxy: false });
    if (!created.ok) throw new Error(await created.text());
    const places: Place[] = [
      { name: "direct", model: "fast", ...engine },
      { name: "bare proxy", model: "fast", ...proxy },
      { name: "ours", model, url, pid },
    ];
    const early = await firstTokens(places, 10);
    await firstTokens(places, WARM_UP);
    const late = await firstTokens(places, rounds * 20);
    const found = await rates(places, rounds);
    for (const [at, { name }] of places.entries()) {
      if (at === 0) continue;
      const more = (times: readonly number[]) => ((times[at] ?? 0) - (times[0] ?? 0)).toFixed(2);
      const [there, here] = [found[0], found[at]];
      const share = (here?.tokensPerSecond ?? 0) / (there?.tokensPerSecond ?? 0);
      print(
        `hop to an engine with ${stepMs} ms a token, ${name}: first token ${late[0]?.toFixed(2)} + ${more(late)} ms (+ ${more(early)} at first); ${STREAMS} streams ${here?.tokensPerSecond.toFixed(0)} tok/s = ${share.toFixed(3)} of direct; ${here?.microseconds.toFixed(0)} µs of processor a token`,
      );
    }
  }
}
