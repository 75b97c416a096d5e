// The system's clock is set while the server runs, a day ahead and a day back: what waits for a duration waits that long, what
// belongs to a day follows the day, and nothing that runs is disturbed.

import { expect, test } from "bun:test";
import { impossible } from "../support/figures.ts";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { otherClock } from "../support/other-clock.ts";
import { childrenOf, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 60_000;
const DAY_S = 86_400;
const clock = otherClock();
if (clock === undefined) impossible("no C compiler here to make another clock with");

function started(env: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  clock?.setAhead(0);
  return startServer({ env: { ...clock?.env, ...env } });
}

/** Seconds that a moment told by the server lies ahead of now. */
async function expiresIn(client: NativeClient, model: string): Promise<number> {
  const found = (await client.running()).find(({ name }) => name === model);
  if (found === undefined) throw new Error(`${model} is not loaded`);
  return (Date.parse(found.expires_at) - Date.now()) / 1000;
}

async function respond(server: TestServer, previous?: string): Promise<{ id: string; created_at: number }> {
  const body = { model: "m", input: "hi", max_output_tokens: 16, previous_response_id: previous };
  const response = await fetch(`${server.baseUrl}/v1/responses`, { method: "POST", body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as { id: string; created_at: number };
}

test.skipIf(clock === undefined).each([DAY_S, -DAY_S])(
  "set by %d seconds, the clock neither unloads a model early nor keeps it, and breaks off no answer and no conversation",
  async (ahead) => {
    await using server = await started({ OLLAMA_STALL_TIMEOUT: "3s" });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await client.generate("m", "hi", {}, { keep_alive: "1h" });
    const runners = await childrenOf(server.pid);
    const first = await respond(server);
    const running = client.generate("m", "go", { num_predict: 3000, num_ctx: 512, temperature: 1 }, { raw: true });
    clock?.setAhead(ahead);
    const second = await respond(server, first.id);
    expect(Math.abs(second.created_at - first.created_at - ahead)).toBeLessThan(60);
    expect((await running).done_reason).toMatch(/stop|length/);
    expect(Math.abs((await expiresIn(client, "m:latest")) - ahead - 3600)).toBeLessThan(60);
    expect(await childrenOf(server.pid)).toEqual(runners);
    await client.generate("m", "hi", {}, { keep_alive: "1s" });
    clock?.setAhead(0);
    await until("it is unloaded a second after its last use", async () => (await client.running()).length === 0, 5000);
    expect((await client.generate("m", "hi")).done_reason).toMatch(/stop|length/);
  },
  LIMIT_MS,
);

test.skipIf(clock === undefined)(
  "a budget of tokens is that of the day the clock shows, and what was used is not forgotten when it is set back",
  async () => {
    await using server = await started();
    await new NativeClient(server).createTiny("m", "llama");
    const made = await runProgram(["key", "create", "--budget", "5"], { env: { ...server.env, LD_PRELOAD: "" } });
    const headers = { authorization: `Bearer ${made.stdout.trim()}` };
    const body = JSON.stringify({ model: "m", prompt: "hi", stream: false, options: { num_predict: 8 } });
    const ask = async () => (await fetch(`${server.baseUrl}/api/generate`, { method: "POST", body, headers })).status;
    expect([await ask(), await ask()]).toEqual([200, 429]);
    clock?.setAhead(DAY_S);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    clock?.setAhead(-DAY_S);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    clock?.setAhead(0);
    expect(await ask()).toBe(429);
  },
  LIMIT_MS,
);
