// Memory that a runner cannot have, and memory that it gives back.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { smallModelName } from "../../scripts/small-model.mjs";
import type { TestServer } from "../support/server.ts";
import { childrenOf, NativeClient, until } from "./native-client.ts";
import { smallModelServer } from "./small-model-server.ts";

const LIMIT_MS = 150_000;
const MIB = 1024 * 1024;

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await smallModelServer();
  client = new NativeClient(server);
}, LIMIT_MS);
afterAll(() => server[Symbol.asyncDispose]());

const words = (count: number, from: string): string => Array.from({ length: count }, (_, i) => `${from}${i}`).join(" ");
const ask = (prompt: string) =>
  client.generate(smallModelName, prompt, { num_predict: 2, num_thread: 1 }, { raw: true });

async function runner(): Promise<number> {
  const [pid] = await childrenOf(server.pid);
  if (pid === undefined) throw new Error("no runner");
  return pid;
}

const bytesOf = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

test.skipIf(process.platform !== "linux" || Bun.which("prlimit") === null)(
  "a prompt that memory is too short for is refused, and its runner goes on with others",
  async () => {
    const whole = (await ask("hello")).response;
    const pid = await runner();
    const limit = bytesOf(pid, "VmData") + 100 * MIB;
    expect(Bun.spawnSync(["prlimit", "--pid", String(pid), `--data=${limit}:`]).exitCode).toBe(0);
    expect(ask(words(1800, "w"))).rejects.toThrow(/not enough memory for a context of \d+ tokens/);
    await ask(words(1800, "w")).catch(() => {});
    expect((await ask("hello")).response).toBe(whole);
    expect(await runner()).toBe(pid);
    await client.ask("/api/generate", { model: smallModelName, keep_alive: 0 });
    await until("the runner with so little memory is gone", async () => !(await childrenOf(server.pid)).includes(pid));
  },
  LIMIT_MS,
);

test.skipIf(process.platform !== "linux")(
  "after a rest a runner that served many gives their memory back, and still knows what they said",
  async () => {
    const prompts = Array.from({ length: 8 }, (_, i) => words(30, `t${i}w`));
    // Room for long answers, which a stop word ends soon.
    const room = { num_predict: 1500, num_thread: 1, stop: ["0", "1", "2", "3", "t", "w", "e", " ", "\n"] };
    const first = await Promise.all(
      prompts.map((prompt) => client.generate(smallModelName, prompt, room, { raw: true })),
    );
    const pid = await runner();
    const most = bytesOf(pid, "VmRSS");
    await until("memory is given back", () => bytesOf(pid, "VmRSS") < most - 256 * MIB, 60_000);
    expect(await runner()).toBe(pid);
    const again = await ask(`${prompts[3]} again`);
    expect(again.prompt_cached_count).toBeGreaterThan((first[3]?.prompt_eval_count ?? 0) / 2);
  },
  LIMIT_MS,
);
