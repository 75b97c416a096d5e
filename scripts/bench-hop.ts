// What the hop to an engine elsewhere costs: the same OpenAI request to the engine itself and through this server, in turns.
// The engine (bench-engine.ts) computes nothing, so the hop is what is measured.

import { join } from "node:path";
import { median } from "./bench-client.ts";

const TOKENS = 64;
const STREAMS = 32;

interface Timing {
  readonly firstMs: number;
  readonly totalMs: number;
  readonly tokens: number;
}

async function ask(url: string, model: string): Promise<Timing> {
  const startedMs = performance.now();
  const messages = [{ role: "user", content: "Hi" }];
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model, messages, stream: true, max_tokens: TOKENS }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let firstMs = 0;
  let tokens = 0;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const words = decoder.decode(chunk, { stream: true }).split(" word").length - 1;
    if (words > 0 && tokens === 0) firstMs = performance.now() - startedMs;
    tokens += words;
  }
  if (tokens !== TOKENS) throw new Error(`${tokens} tokens instead of ${TOKENS}`);
  return { firstMs, totalMs: performance.now() - startedMs, tokens };
}

async function rate(url: string, model: string): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: STREAMS }, () => ask(url, model)));
  return (STREAMS * TOKENS * 1000) / (performance.now() - startedMs);
}

export interface HopBench {
  readonly binary: string;
  readonly env: Record<string, string | undefined>;
  readonly url: string;
  readonly rounds: number;
  readonly print: (line: string) => void;
}

export async function measureHop({ binary, env, url, rounds, print }: HopBench): Promise<void> {
  for (const stepMs of [20, 0]) {
    const engine = Bun.spawn([process.execPath, join(import.meta.dir, "bench-engine.ts")], {
      env: { ...process.env, BENCH_TOKEN_MS: String(stepMs) },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    try {
      const { value } = await engine.stdout.getReader().read();
      const direct = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
      const allowed = Bun.spawnSync([binary, "remote", "allow", direct], { env });
      if (allowed.exitCode !== 0) throw new Error(allowed.stderr.toString());
      const body = JSON.stringify({ model: "hop", from: "fast", remote_host: `${direct}/v1`, stream: false });
      const created = await fetch(`${url}/api/create`, { method: "POST", body });
      if (!created.ok) throw new Error(await created.text());
      const places = [
        { url: direct, model: "fast", first: [] as number[], rates: [] as number[] },
        { url, model: "hop", first: [] as number[], rates: [] as number[] },
      ] as const;
      for (const { url: at, model } of places) await ask(at, model);
      for (let round = 0; round < rounds * 10; round++) {
        for (const place of places) place.first.push((await ask(place.url, place.model)).firstMs);
      }
      for (let round = 0; round < rounds; round++) {
        for (const place of places) place.rates.push(await rate(place.url, place.model));
      }
      const [there, here] = places.map(({ first, rates }) => ({ first: median(first), rate: median(rates) }));
      if (there === undefined || here === undefined) continue;
      print(
        `hop to an engine with ${stepMs} ms a token: first token ${there.first.toFixed(2)} → ${here.first.toFixed(2)} ms (+${(here.first - there.first).toFixed(2)}); ${STREAMS} streams ${there.rate.toFixed(0)} → ${here.rate.toFixed(0)} tok/s = ${(here.rate / there.rate).toFixed(3)}`,
      );
    } finally {
      engine.kill("SIGTERM");
      await engine.exited;
    }
  }
}
