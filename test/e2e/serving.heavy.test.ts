// Being run as a service: figures that add up, a queue that is bounded and fair, and a shutdown that loses no answer.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { startServer, type TestServer } from "../support/server.ts";
import { runProgram } from "../support/program.ts";
import { childrenOf, isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 90_000;
/** Noise of just this many tokens. */
const noise = (tokens: number) => ({
  raw: true,
  grammar: "root ::= x{400}\nx ::= [a-z]{400}",
  options: { num_predict: tokens, num_ctx: 512 },
});

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  await client.createTiny("m", "llama");
  await client.createTiny("e", "bert");
}, LIMIT_MS);
afterAll(() => server[Symbol.asyncDispose]());

/** The sum of all series of a metric whose labels match. */
function total(text: string, name: string, labels: RegExp = /./): number {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && labels.test(line))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const metrics = async (): Promise<string> => (await client.fetch("/metrics")).text();

type Counts = readonly [prompt: number, generated: number];
interface Json {
  readonly [name: string]: Json;
}
const numbers = (...values: readonly unknown[]): Counts => [Number(values[0] ?? 0), Number(values[1] ?? 0)];

const messages = [{ role: "user", content: "hello" }];
const lastLine = (text: string) => JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Json;
const event = (text: string, has: string): Json => {
  const line = text.split("\n").findLast((each) => each.startsWith("data: {") && each.includes(has));
  return JSON.parse(line?.slice(6) ?? "null") as Json;
};

/** Every way to ask, and what its reply says that it took. */
const WAYS: readonly (readonly [path: string, body: object, told: (text: string) => Counts])[] = [
  [
    "/api/generate",
    { prompt: "a", stream: false },
    (text) => numbers(lastLine(text)["prompt_eval_count"], lastLine(text)["eval_count"]),
  ],
  [
    "/api/generate",
    { prompt: "b" },
    (text) => numbers(lastLine(text)["prompt_eval_count"], lastLine(text)["eval_count"]),
  ],
  ["/api/chat", { messages }, (text) => numbers(lastLine(text)["prompt_eval_count"], lastLine(text)["eval_count"])],
  ["/v1/chat/completions", { messages, n: 3 }, (text) => openAI(JSON.parse(text) as Json)],
  [
    "/v1/chat/completions",
    { messages, stream: true, stream_options: { include_usage: true } },
    (text) => openAI(event(text, '"prompt_tokens":')),
  ],
  ["/v1/completions", { prompt: ["x", "y y"], n: 2 }, (text) => openAI(JSON.parse(text) as Json)],
  ["/v1/responses", { input: "hello", store: false }, (text) => tokens((JSON.parse(text) as Json)["usage"])],
  [
    "/v1/responses",
    { input: "hello", stream: true },
    (text) => tokens(event(text, '"output_tokens":')["response"]?.["usage"]),
  ],
  ["/v1/messages", { messages }, (text) => tokens((JSON.parse(text) as Json)["usage"])],
  ["/v1/messages", { messages, stream: true }, (text) => tokens(event(text, "message_delta")["usage"])],
  ["/api/embed", { model: "e", input: ["hello", "the cat"] }, (text) => numbers(lastLine(text)["prompt_eval_count"])],
  ["/v1/embeddings", { model: "e", input: "the dog" }, (text) => openAI(JSON.parse(text) as Json)],
];

function openAI(reply: Json): Counts {
  return numbers(reply["usage"]?.["prompt_tokens"], reply["usage"]?.["completion_tokens"]);
}

function tokens(usage: Json | undefined): Counts {
  return numbers(usage?.["input_tokens"], usage?.["output_tokens"]);
}

test(
  "the counters equal the sums of what the replies of all dialects say",
  async () => {
    const before = await metrics();
    const limits = { options: { num_predict: 12 }, max_tokens: 12, max_output_tokens: 12 };
    const asked = Array.from({ length: 3 }, () => WAYS).flat();
    const told = await Promise.all(
      asked.map(async ([path, body, read]) => {
        const response = await client.post(path, { model: "m", ...limits, ...body });
        const text = await response.text();
        if (!response.ok) throw new Error(`${path}: ${text}`);
        const counts = read(text);
        expect([path, counts[0] > 0]).toEqual([path, true]);
        return counts;
      }),
    );
    const after = await metrics();
    const grown = (name: string, labels: RegExp) => total(after, name, labels) - total(before, name, labels);
    const sum = (index: 0 | 1) => told.reduce((count, each) => count + each[index], 0);
    expect(grown("ollama_tokens_total", /kind="prompt"/)).toBe(sum(0));
    expect(grown("ollama_tokens_total", /kind="generated"/)).toBe(sum(1));
    for (const path of new Set(asked.map(([each]) => each))) {
      const labels = new RegExp(`method="POST",route="${path}",code="200"`);
      expect([path, grown("ollama_http_requests_total", labels)]).toEqual([
        path,
        asked.filter(([each]) => each === path).length,
      ]);
    }
    expect(grown("ollama_tokens_total", /kind="broken_off"/)).toBe(0);
    const usage = (await (await client.fetch("/api/usage")).json()) as {
      accounts: { id: string; today: { generated_tokens: number } }[];
    };
    expect(usage.accounts.find(({ id }) => id === "local")?.today.generated_tokens).toBe(
      total(after, "ollama_tokens_total", /kind="generated"/),
    );
  },
  LIMIT_MS,
);

test(
  "an answer that is broken off is counted for what it took",
  async () => {
    const abort = new AbortController();
    const response = await client.post("/api/generate", { model: "m", prompt: "go", ...noise(-1) }, abort.signal);
    const reader = response.body?.getReader();
    for (let chunk = 0; chunk < 20; chunk++) await reader?.read();
    abort.abort();
    await until("it is counted", async () => total(await metrics(), "ollama_tokens_total", /kind="broken_off"/) > 2);
    await until("nothing is in flight", async () => /^ollama_requests_in_flight 1$/m.test(await metrics()));
  },
  LIMIT_MS,
);

test(
  "six at once, one place and a queue of two: three are answered, three are refused with Retry-After",
  async () => {
    await using small = await startServer({ env: { OLLAMA_NUM_PARALLEL: "1", OLLAMA_MAX_QUEUE: "2" } });
    const asking = new NativeClient(small);
    await asking.createTiny("m", "llama");
    await asking.generate("m", "hi");
    const body = { model: "m", prompt: "go", stream: false, ...noise(300) };
    const answers = await Promise.all(Array.from({ length: 6 }, () => asking.post("/api/generate", body)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 200, 200, 503, 503, 503]);
    for (const refused of answers.filter(({ status }) => status === 503))
      expect(refused.headers.get("retry-after")).toBe("1");
  },
  LIMIT_MS,
);

test(
  "a key that floods the queue neither keeps another waiting behind all of it nor out of it",
  async () => {
    await using small = await startServer({ env: { OLLAMA_NUM_PARALLEL: "1", OLLAMA_MAX_QUEUE: "12" } });
    const asking = new NativeClient(small);
    await asking.createTiny("m", "llama");
    const key = async (name: string) => (await runProgram(["key", "create", name], { env: small.env })).stdout.trim();
    const [greedy, modest] = [await key("greedy"), await key("modest")];
    const ends: string[] = [];
    const ask = async (name: string, auth: string, tokens: number) => {
      const body = JSON.stringify({ model: "m", prompt: name, stream: false, ...noise(tokens) });
      const response = await fetch(`${small.baseUrl}/api/generate`, {
        method: "POST",
        body,
        headers: { authorization: `Bearer ${auth}` },
        proxy: false,
      });
      await response.text();
      if (response.ok) ends.push(name);
      return response.status;
    };
    await ask("warm", greedy, 4);
    const flood = Array.from({ length: 13 }, () => ask("greedy", greedy, 400));
    await Bun.sleep(50); // the flood is there first
    const little = [ask("modest", modest, 4), ask("modest", modest, 4)];
    expect(await Promise.all(little)).toEqual([200, 200]);
    const statuses = await Promise.all(flood);
    // Two newcomers of the other key took the places of the two newest of the flood.
    expect(statuses.filter((status) => status === 503)).toHaveLength(2);
    expect(ends.lastIndexOf("modest")).toBeLessThan(7);
    expect(ends).toHaveLength(14);
  },
  LIMIT_MS,
);

/** A streamed answer, read to its end. */
async function readAll(response: Response): Promise<string> {
  return response.text().catch((error: unknown) => `broken: ${String(error)}`);
}

test(
  "SIGTERM finishes the running answers, streamed and whole, turns new ones away, and then ends with 0",
  async () => {
    await using draining = await startServer();
    const asking = new NativeClient(draining);
    await asking.createTiny("m", "llama");
    expect(await (await asking.fetch("/ready")).json()).toEqual({ status: expect.stringMatching(/ready|starting/) });
    const body = { model: "m", prompt: "go", ...noise(4000) };
    const streams = await Promise.all(Array.from({ length: 4 }, () => asking.post("/api/generate", body)));
    const whole = [
      asking.post("/api/generate", { ...body, stream: false }),
      asking.post("/v1/completions", { model: "m", prompt: "go", max_tokens: 400 }),
    ];
    await until("all are in flight", async () =>
      /^ollama_requests_in_flight 7$/m.test(await (await asking.fetch("/metrics")).text()),
    );
    process.kill(draining.pid, "SIGTERM");
    await until("it says that it drains", async () => {
      const ready = await asking.fetch("/ready");
      return ready.status === 503 && (await ready.text()).includes("draining");
    });
    const refused = await asking.post("/api/generate", body);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    expect((await asking.fetch("/health")).status).toBe(200);
    for (const text of await Promise.all(streams.map(readAll)))
      expect(lastLine(text)).toMatchObject({ done: true, done_reason: "length", eval_count: 4000 });
    for (const response of await Promise.all(whole)) expect(response.status).toBe(200);
    await until("the server has ended", () => !isAlive(draining.pid));
    expect(draining.log()).toContain("finishing the running requests; stop again to end at once");
    expect(draining.log()).not.toContain("cut off");
  },
  LIMIT_MS,
);

test(
  "a second signal ends it at once, and so does the end of OLLAMA_SHUTDOWN_TIMEOUT; no runner is left",
  async () => {
    for (const [env, signals] of [
      [{}, 2],
      [{ OLLAMA_SHUTDOWN_TIMEOUT: "1s" }, 1],
    ] as const) {
      await using busy = await startServer({ env });
      const asking = new NativeClient(busy);
      await asking.createTiny("m", "llama");
      const response = await asking.post("/api/generate", { model: "m", prompt: "go", ...noise(-1) });
      void readAll(response);
      const children = await childrenOf(busy.pid);
      process.kill(busy.pid, "SIGTERM");
      await until("it drains", async () => (await asking.fetch("/ready")).status === 503);
      if (signals === 2) process.kill(busy.pid, "SIGTERM");
      await until("all are gone", () => ![busy.pid, ...children].some(isAlive), 5000);
    }
  },
  LIMIT_MS,
);
