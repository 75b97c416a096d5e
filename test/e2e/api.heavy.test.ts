// The native routes with a real model, end to end: text that makes sense, streams, structured answers, and a models
// directory that travels.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchSmallModel } from "../../scripts/small-model.mjs";
import { startServer, type TestServer } from "../support/server.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 180_000;
const MODEL = "smollm2:135m";

let directory = "";
let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  const path: string = fetchSmallModel();
  directory = await mkdtemp(join(tmpdir(), "api-models-"));
  server = await startServer({ env: { OLLAMA_MODELS: join(directory, "models") } });
  client = new NativeClient(server);
  await client.createFromBytes(MODEL, Bun.file(path));
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

interface Chunk {
  readonly model: string;
  readonly created_at: string;
  readonly response?: string;
  readonly message?: { readonly role: string; readonly content: string };
  readonly done: boolean;
  readonly done_reason?: string;
  readonly context?: readonly number[];
  readonly eval_count?: number;
  readonly total_duration?: number;
}

async function stream(path: string, body: unknown): Promise<Chunk[]> {
  const response = await client.post(path, body);
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Chunk);
}

const question = { role: "user", content: "What is the capital of France? Answer in one short sentence." };
const options = { temperature: 0, num_predict: 24 };

test(
  "a chat streams in pieces and knows the capital of France",
  async () => {
    const chunks = await stream("/api/chat", { model: MODEL, messages: [question], options });
    const last = chunks.at(-1);
    const content = chunks.map(({ message }) => message?.content ?? "").join("");
    expect(content).toContain("Paris");
    expect(chunks.length).toBeGreaterThan(4);
    expect(chunks.slice(0, -1).every(({ done, done_reason }) => !done && done_reason === undefined)).toBe(true);
    expect(chunks.every(({ message, model }) => message?.role === "assistant" && model === MODEL)).toBe(true);
    expect([last?.done, last?.done_reason]).toEqual([true, "stop"]);
    expect(last?.eval_count).toBeWithin(3, 25);
    expect(last?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    const whole = await client.ask<Chunk>("/api/chat", { model: MODEL, messages: [question], options });
    expect(whole.message?.content).toContain("Paris");
  },
  LIMIT_MS,
);

test(
  "a generated answer's context continues the conversation (spec 2.20)",
  async () => {
    const chunks = await stream("/api/generate", { model: MODEL, prompt: "My dog is called Rex.", options });
    const { context } = chunks.at(-1) ?? {};
    expect(context?.length).toBeGreaterThan(20);
    expect(chunks.slice(0, -1).some((chunk) => chunk.context !== undefined)).toBe(false);
    const held = context?.length ?? 0;
    const next = await client.generate(MODEL, "And now?", { num_predict: 2 }, { context });
    expect(next.prompt_eval_count).toBeGreaterThan(held);
    expect(next.prompt_cached_count).toBeGreaterThanOrEqual(held - 1);
    expect(next.context?.slice(0, held)).toEqual([...(context ?? [])]);
    const raw = await client.ask<Chunk>("/api/generate", { model: MODEL, prompt: "Once upon a", raw: true, options });
    expect(raw.context).toBeUndefined();
    expect(raw.response).toContain("time");
  },
  LIMIT_MS,
);

test(
  "a JSON schema is followed, whatever the model would rather say",
  async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string", maxLength: 20 }, people: { type: "integer", minimum: 0, maximum: 9 } },
      required: ["city", "people"],
    };
    const ask = { model: MODEL, messages: [question], format: schema, options: { ...options, num_predict: 60 } };
    const answer = await client.ask<Chunk>("/api/chat", ask);
    const value = JSON.parse(answer.message?.content ?? "") as { city: unknown; people: unknown };
    expect(Object.keys(value)).toEqual(["city", "people"]);
    expect([typeof value.city, Number.isInteger(value.people)]).toEqual(["string", true]);
  },
  LIMIT_MS,
);

test(
  "requests at once are answered like requests one by one, but for near ties",
  async () => {
    const prompts = ["The sky is", "Two and two make", "The opposite of hot is", "A week has"];
    const ask = (prompt: string) => client.generate(MODEL, prompt, { num_predict: 3 }, { raw: true });
    const alone: string[] = [];
    for (const prompt of prompts) alone.push((await ask(prompt)).response);
    const together = await Promise.all(prompts.map(ask));
    const same = together.filter(({ response }, i) => response === alone[i]).length;
    expect(same).toBeGreaterThanOrEqual(prompts.length - 1);
  },
  LIMIT_MS,
);

test(
  "log-probabilities are those of the tokens said, best alternatives first",
  async () => {
    const body = {
      model: MODEL,
      prompt: "The capital of France is",
      raw: true,
      logprobs: true,
      top_logprobs: 3,
      options,
    };
    const answer = await client.ask<{
      response: string;
      logprobs: { token: string; logprob: number; bytes: number[]; top_logprobs: { logprob: number }[] }[];
    }>("/api/generate", body);
    expect(answer.logprobs.map(({ token }) => token).join("")).toStartWith(answer.response.slice(0, 10));
    for (const { logprob, bytes, top_logprobs } of answer.logprobs) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(bytes.length).toBeGreaterThan(0);
      const best = top_logprobs.map((alternative) => alternative.logprob);
      expect(best).toEqual([...best].sort((a, b) => b - a));
      expect(best[0]).toBeGreaterThanOrEqual(logprob - 1e-6);
    }
  },
  LIMIT_MS,
);

test(
  "tags, show and ps tell what it is",
  async () => {
    const { models } = (await (await client.fetch("/api/tags")).json()) as {
      models: { name: string; size: number; details: { family: string } }[];
    };
    expect(models.map(({ name, details }) => [name, details.family])).toEqual([[MODEL, "llama"]]);
    expect(models[0]?.size).toBeGreaterThan(98_000_000);
    const shown = await client.ask<{ capabilities: string[]; model_info: Record<string, unknown> }>("/api/show", {
      model: MODEL,
    });
    expect(shown.capabilities).toContain("completion");
    expect(shown.model_info["llama.context_length"]).toBe(8192);
    await client.ask("/api/generate", { model: MODEL });
    expect((await client.running()).map(({ name }) => name)).toEqual([MODEL]);
  },
  LIMIT_MS,
);

describe("the models directory", () => {
  test(
    "travels: a copy of it opens in another server and answers the same",
    async () => {
      const here = await client.generate(MODEL, "The opposite of cold is", { num_predict: 4 }, { raw: true });
      const other = join(directory, "copied");
      await mkdir(other);
      await cp(join(directory, "models"), other, { recursive: true });
      expect(existsSync(join(other, "manifests/registry.ollama.ai/library/smollm2/135m"))).toBe(true);
      await client.generate(MODEL, "", {}, { keep_alive: 0 });
      await using second = await startServer({ env: { OLLAMA_MODELS: other } });
      const there = await new NativeClient(second).generate(
        MODEL,
        "The opposite of cold is",
        { num_predict: 4 },
        { raw: true },
      );
      expect(there.response).toBe(here.response);
    },
    LIMIT_MS,
  );
});
