// The engine on tiny models of every memory kind: seeds, sampling options, and that reused beginnings do not change what
// is said.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer } from "../support/server.ts";
import { type Answer, NativeClient } from "./native-client.ts";

const LIMIT_MS = 90_000;
const KINDS = ["llama", "gemma3", "lfm2", "mamba"] as const;
const RAW = { raw: true };

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  for (const kind of KINDS) await client.createTiny(kind, kind);
}, LIMIT_MS);
afterAll(() => server[Symbol.asyncDispose]());

const words = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, i) => `word${(i + from) % 97}`).join(" ");

describe.each(KINDS)("a tiny %s", (kind) => {
  test(
    "answers, counts its tokens, and says the same thing again",
    async () => {
      const prompt = `${kind} ${words(30)}`;
      const first = await client.generate(kind, prompt, {}, RAW);
      const second = await client.generate(kind, prompt, {}, RAW);
      expect(first.eval_count).toBeWithin(1, 17);
      expect(first.prompt_eval_count).toBeGreaterThan(30);
      expect(second.response).toBe(first.response);
      expect(second.prompt_eval_count).toBe(first.prompt_eval_count ?? 0);
    },
    LIMIT_MS,
  );

  test(
    "continues a conversation from what it holds",
    async () => {
      const start = `${kind} conversation ${words(60)}`;
      const first = await client.generate(kind, start, { num_predict: 8 }, RAW);
      // Whatever was said, the next prompt begins with prompt and answer.
      const next = await client.generate(kind, `${start}${first.response} and then?`, { num_predict: 8 }, RAW);
      const cached = next.prompt_cached_count ?? 0;
      const whole = first.prompt_eval_count ?? 0;
      // Recurrent memory can only be continued exactly where it ends, and a re-tokenized answer may end elsewhere.
      if (kind === "llama" || kind === "gemma3") expect(cached).toBeGreaterThanOrEqual(whole - 2);
      else expect(cached === 0 || cached >= whole - 2).toBe(true);
    },
    LIMIT_MS,
  );

  test(
    "says the same with a warm beginning as with a cold one, but for near ties",
    async () => {
      const shared = words(120, 5);
      const ask = (tail: string): Promise<Answer> =>
        client.generate(kind, `${shared} ${tail}`, { num_predict: 12 }, { ...RAW, logprobs: true, top_logprobs: 2 });
      const cold = await ask("first");
      await ask("second");
      const warm = await ask("first");
      if (warm.response === cold.response) return;
      // Kernels differ with the number of tokens in a batch, so sums may differ in the last digits: where the answers part,
      // the two candidates must have been as good as equal.
      type Step = { token: string; top_logprobs: { logprob: number }[] };
      const steps = (answer: Answer) => (answer as unknown as { logprobs: Step[] }).logprobs;
      const at = steps(cold).findIndex((step, i) => step.token !== steps(warm)[i]?.token);
      const [best, next] = steps(cold)[at]?.top_logprobs ?? [];
      expect(Math.abs((best?.logprob ?? 0) - (next?.logprob ?? -99))).toBeLessThan(0.05);
    },
    LIMIT_MS,
  );

  test(
    "comes through a conversation that grows past the cache it began with",
    async () => {
      const long = await client.generate(kind, words(330), { num_predict: 4 }, RAW);
      expect(long.prompt_eval_count).toBeGreaterThan(300);
      expect(long.done_reason).toMatch(/stop|length/);
    },
    LIMIT_MS,
  );

  test(
    "serves many at once, each as if alone",
    async () => {
      const prompts = Array.from({ length: 6 }, (_, i) => `${kind} number ${i} ${words(20, i * 7)}`);
      const together = await Promise.all(
        prompts.map((prompt) => client.generate(kind, prompt, { num_predict: 10 }, RAW)),
      );
      expect(together.every(({ eval_count = 0 }) => eval_count >= 1 && eval_count <= 10)).toBe(true);
    },
    LIMIT_MS,
  );
});

test.each(["llama", "gemma3"] as const)(
  "a %s conversation keeps what was computed when its cache grows",
  async (kind) => {
    // A model of its own begins with the smallest cache, so the second prompt makes it grow. It continues exactly where
    // the first ended: a moved state has lost what lies before a sliding window and cannot be cut back.
    const seed = 40 + KINDS.indexOf(kind);
    await client.createTiny(`fresh-${kind}`, kind, seed);
    const first = await client.generate(`fresh-${kind}`, words(20), { num_predict: 1 }, RAW);
    const held = first.prompt_eval_count ?? 0;
    const second = await client.generate(`fresh-${kind}`, `${words(20)} ${words(150, 20)}`, { num_predict: 2 }, RAW);
    expect(second.prompt_eval_count).toBeGreaterThan(2 * 256);
    expect(second.prompt_cached_count).toBe(held);
  },
  LIMIT_MS,
);

describe("sampling (spec 2.43)", () => {
  const say = async (options: Record<string, unknown>, prompt = "tell me"): Promise<string> =>
    (await client.generate("llama", prompt, { num_predict: 24, ...options }, RAW)).response;

  test(
    "a seed gives the same answer again, another seed another one",
    async () => {
      const hot = { temperature: 1.5, top_k: 0, top_p: 1 };
      await say({ ...hot, seed: 7 }); // the first asks with a cold cache
      const [a, again, b] = [
        await say({ ...hot, seed: 7 }),
        await say({ ...hot, seed: 7 }),
        await say({ ...hot, seed: 8 }),
      ];
      expect(again).toBe(a);
      expect(b).not.toBe(a);
    },
    LIMIT_MS,
  );

  test(
    "without a seed answers differ",
    async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => say({ temperature: 1.5, top_k: 0, top_p: 1 })));
      expect(new Set(answers).size).toBeGreaterThan(1);
    },
    LIMIT_MS,
  );

  test(
    "temperature 0, top_k 1 and a tiny top_p all take the likeliest token",
    async () => {
      const greedy = await say({ temperature: 0 });
      const warm = await say({ temperature: 0 });
      expect(await say({ temperature: 1, top_k: 1 })).toBe(warm);
      expect(await say({ temperature: 1, top_k: 0, top_p: 1e-9 })).toBe(warm);
      expect(await say({ temperature: 1, top_k: 0, top_p: 1, min_p: 1 })).toBe(warm);
      expect(typeof greedy).toBe("string");
    },
    LIMIT_MS,
  );

  test(
    "num_predict ends an answer with 'length', and it is exact",
    async () => {
      for (const count of [1, 2, 7]) {
        const answer = await client.generate("llama", "count", { num_predict: count, temperature: 1, seed: 5 }, RAW);
        if (answer.done_reason === "length") expect(answer.eval_count).toBe(count);
        else expect(answer.eval_count).toBeLessThanOrEqual(count);
      }
    },
    LIMIT_MS,
  );

  test(
    "a stop word ends the answer before it",
    async () => {
      const whole = await say({ num_predict: 40, temperature: 1, seed: 11 });
      const stop = whole.slice(6, 9);
      const cut = await client.generate(
        "llama",
        "tell me",
        { num_predict: 40, temperature: 1, seed: 11, stop: [stop] },
        RAW,
      );
      expect(cut.response).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(cut.done_reason).toBe("stop");
    },
    LIMIT_MS,
  );

  test(
    "penalties change what is said",
    async () => {
      const plain = await say({ num_predict: 60 });
      const penalized = await say({ num_predict: 60, repeat_penalty: 1.9, presence_penalty: 2, frequency_penalty: 2 });
      expect(penalized).not.toBe(plain);
    },
    LIMIT_MS,
  );

  test(
    "a prompt that is too long is cut, or refused where the request says so",
    async () => {
      const long = words(400);
      const cut = await client.generate("llama", long, { num_ctx: 256, num_predict: 4 }, RAW);
      expect(cut.prompt_eval_count).toBeLessThan(256);
      // An answer that may not shift gets no prompt that was cut.
      for (const wish of [{ truncate: false }, { shift: false }]) {
        const refused = client.generate("llama", long, { num_ctx: 256 }, { ...RAW, ...wish });
        expect(refused).rejects.toThrow(/^Error: 400 .*context length|^400 .*context length/);
        await refused.catch(() => {});
      }
    },
    LIMIT_MS,
  );

  test(
    "an answer longer than the context goes on by shifting, and ends where shifting is off",
    async () => {
      const options = { num_ctx: 256, num_predict: 400, temperature: 1, seed: 2 };
      const json = { format: { type: "array", items: { type: "integer" }, minItems: 400 } };
      const shifted = await client.generate("llama", "go", options, { ...RAW, ...json });
      expect(shifted.eval_count).toBeGreaterThan(256);
      const ended = await client.generate("llama", "go", options, { ...RAW, ...json, shift: false });
      expect(ended.done_reason).toBe("length");
      // Prompt and answer fill the context exactly (Ollama 0.33.0: 29 and 227 of 256).
      expect((ended.prompt_eval_count ?? 0) + (ended.eval_count ?? 0)).toBe(256);
    },
    LIMIT_MS,
  );
});

test(
  "a client that goes away frees its place at once",
  async () => {
    const abort = new AbortController();
    const body = { model: "mamba", prompt: "go", options: { num_predict: 4000 }, raw: true };
    const stream = await client.post("/api/generate", body, abort.signal);
    await stream.body?.getReader().read();
    abort.abort();
    const busy = async () => {
      const { models } = (await (await client.fetch("/api/ps")).json()) as {
        models: { name: string; active_requests: number }[];
      };
      return models.find(({ name }) => name === "mamba:latest")?.active_requests;
    };
    const endMs = Date.now() + 10_000;
    while ((await busy()) !== 0) {
      if (Date.now() > endMs) throw new Error("the request is still held");
      await Bun.sleep(20);
    }
  },
  LIMIT_MS,
);
