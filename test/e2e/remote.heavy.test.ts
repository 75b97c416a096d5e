// One conversation with the real model here, and with the same model behind a name that another server serves: every dialect
// gives the same shapes and, since nothing is drawn by chance, the same words. The program is its own engine, spoken to in both
// ways it can be. OLLAMA_TEST_ENGINES (vllm, ray, llama-server; with commas) adds other people's engines, see engines.ts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { smallModelName } from "../../scripts/small-model.mjs";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Engine, engineNames, startEngine } from "./engines.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { smallModelServer } from "./small-model-server.ts";

const LIMIT_MS = 120_000;
const options = { temperature: 0, seed: 1, num_predict: 12 };
const messages = [{ role: "user", content: "Name three colours." }];
const tools = [
  {
    type: "function",
    function: {
      name: "paint",
      description: "Paints",
      parameters: { type: "object", properties: { colour: { type: "string" } }, required: ["colour"] },
    },
  },
];
const schema = {
  type: "object",
  properties: { colour: { type: "string", enum: ["red", "blue"] } },
  required: ["colour"],
  additionalProperties: false,
};

/** What is asked in every dialect; each row once whole and once streamed where the dialect can. */
const exchanges: readonly (readonly [name: string, path: string, body: Record<string, unknown>])[] = [
  ["native chat", "/api/chat", { messages, options }],
  ["native chat with a schema", "/api/chat", { messages, options: { ...options, num_predict: 40 }, format: schema }],
  ["native chat with log-probabilities", "/api/chat", { messages, options, logprobs: true, top_logprobs: 2 }],
  ["native generate", "/api/generate", { prompt: "Name three colours.", options }],
  ["native raw generate", "/api/generate", { prompt: "The three colours are", raw: true, options }],
  [
    "OpenAI chat",
    "/v1/chat/completions",
    { messages, temperature: 0, seed: 1, max_tokens: 12, stream_options: { include_usage: true } },
  ],
  [
    "OpenAI chat with a schema",
    "/v1/chat/completions",
    {
      messages,
      temperature: 0,
      seed: 1,
      max_tokens: 40,
      response_format: { type: "json_schema", json_schema: { name: "a", schema } },
    },
  ],
  ["OpenAI completions", "/v1/completions", { prompt: "Name three colours.", temperature: 0, seed: 1, max_tokens: 12 }],
  ["OpenAI responses", "/v1/responses", { input: "Name three colours.", temperature: 0, max_output_tokens: 12 }],
  ["Anthropic messages", "/v1/messages", { messages, temperature: 0, max_tokens: 12 }],
];

/** Only an Ollama gives the token ids that the deprecated `context` field holds. */
function expectedOf(model: string, shape: Shape): Shape {
  if (model !== "by-openai") return shape;
  return { ...shape, kinds: shape.kinds.filter((kind) => kind !== ".context[]: number") };
}

/** What depends on neither the words nor on who rendered the prompt. */
function kindsOf(answer: string): readonly string[] {
  return shapeOf(answer).kinds.filter((kind) => !/^\.context|incomplete_details/.test(kind));
}

/** Begins to read an answer of a model without end, and leaves. */
async function leaveEarly(model: string): Promise<void> {
  const leaving = new AbortController();
  const body = JSON.stringify({ model, messages, options: { num_predict: 4000, temperature: 0, stop: [] } });
  const response = await fetch(`${front.baseUrl}/api/chat`, {
    method: "POST",
    body,
    proxy: false,
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
}

async function untilIdle(isBusy: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 100 && (await isBusy()); waited++) await Bun.sleep(50);
  expect(await isBusy()).toBe(false);
}

async function expectFreedSlots({ baseUrl }: Engine): Promise<void> {
  await leaveEarly("llama-server");
  await untilIdle(async () => {
    const response = await fetch(baseUrl.replace(/v1$/, "slots"), { proxy: false });
    return ((await response.json()) as { is_processing: boolean }[]).some(({ is_processing }) => is_processing);
  });
}

let engine: TestServer;
let front: TestServer;

async function ollama(...args: readonly string[]) {
  return runProgram(args, { env: front.env, cwd: front.home.path });
}

async function ask(server: TestServer, path: string, body: unknown): Promise<string> {
  const response = await fetch(`${server.baseUrl}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    proxy: false,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text;
}

async function addModel(name: string, lines: readonly string[]): Promise<void> {
  // The small model may go on for ever.
  await Bun.write(`${front.home.path}/Modelfile`, [...lines, "PARAMETER num_predict 24"].join("\n"));
  const created = await ollama("create", name, "-f", "Modelfile");
  if (created.exit !== 0) throw new Error(created.stderr);
}

beforeAll(async () => {
  engine = await smallModelServer();
  front = await startServer();
  await addModel("by-openai", [`FROM ${engine.baseUrl}/v1`, `REMOTE_MODEL ${smallModelName}`]);
  await addModel("by-ollama", [`FROM ${engine.baseUrl}`, `REMOTE_MODEL ${smallModelName}`]);
}, LIMIT_MS);
afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

test(
  "a host is asked only after it was allowed, and the error says how",
  async () => {
    const refused = await ollama("run", "by-openai", "Hi");
    expect(refused.exit).toBe(1);
    expect(refused.stderr).toContain(`run: ollama remote allow ${engine.baseUrl}`);
    const allowed = await ollama("remote", "allow", engine.baseUrl);
    expect([allowed.exit, allowed.stdout]).toEqual([0, `allowed ${engine.baseUrl}\n`]);
    expect((await ollama("remote", "list")).stdout).toContain(engine.baseUrl);
  },
  LIMIT_MS,
);

test(
  "run, ps, show and stop speak of it as of any model",
  async () => {
    const answered = await ollama("run", "by-openai", "Say hello.");
    expect([answered.exit, answered.stdout.trim() === ""]).toEqual([0, false]);
    expect((await ollama("ps")).stdout).toMatch(/by-openai:latest +\w+ +- +100% remote/);
    const shown = (await ollama("show", "by-openai")).stdout;
    expect(shown).toContain(`Remote URL      ${engine.baseUrl}/v1`);
    expect(await ollama("stop", "by-openai")).toEqual({ exit: 0, stdout: "", stderr: "" });
    expect((await ollama("ps")).stdout).not.toContain("by-openai");
  },
  LIMIT_MS,
);

for (const model of ["by-openai", "by-ollama"]) {
  describe(model, () => {
    test.each(exchanges)(
      "%s: same shape and same words, whole and streamed",
      async (_, path, body) => {
        for (const stream of [false, true]) {
          const here = await ask(engine, path, { ...body, stream, model: smallModelName });
          const there = await ask(front, path, { ...body, stream, model });
          expect(shapeOf(there)).toEqual(expectedOf(model, shapeOf(here)));
        }
      },
      LIMIT_MS,
    );

    test(
      "embeddings are the same",
      async () => {
        const here = JSON.parse(await ask(engine, "/api/embed", { model: smallModelName, input: ["red", "blue"] })) as {
          embeddings: number[][];
        };
        const there = JSON.parse(await ask(front, "/api/embed", { model, input: ["red", "blue"] })) as {
          embeddings: number[][];
        };
        expect(there.embeddings.map((vector) => vector.length)).toEqual(here.embeddings.map((vector) => vector.length));
        for (const [row, vector] of here.embeddings.entries()) {
          for (const [at, value] of vector.entries()) expect(there.embeddings[row]?.[at]).toBeCloseTo(value, 4);
        }
      },
      LIMIT_MS,
    );

    test(
      "an enforced call comes through",
      async () => {
        const body = {
          messages,
          tools,
          tool_choice: "required",
          options: { ...options, num_predict: 60 },
          stream: false,
        };
        const refusal = await fetch(`${engine.baseUrl}/api/chat`, {
          method: "POST",
          body: JSON.stringify({ ...body, model: smallModelName }),
          proxy: false,
        });
        const relayed = await fetch(`${front.baseUrl}/api/chat`, {
          method: "POST",
          body: JSON.stringify({ ...body, model }),
          proxy: false,
        });
        expect(relayed.status).toBe(refusal.status);
      },
      LIMIT_MS,
    );
  });
}

test(
  "a client that leaves frees the engine at once",
  async () => {
    await leaveEarly("by-openai");
    await untilIdle(async () => {
      const response = await fetch(`${engine.baseUrl}/api/ps`, { proxy: false });
      const { models } = (await response.json()) as { models: { active_requests: number }[] };
      return models.some(({ active_requests }) => active_requests > 0);
    });
  },
  LIMIT_MS,
);

for (const name of engineNames()) {
  test(
    `${name}: a real engine answers in every dialect`,
    async () => {
      await using other: Engine = await startEngine(name, engine);
      await addModel(name, [`FROM ${other.baseUrl}`, `REMOTE_MODEL ${other.model}`]);
      expect((await ollama("remote", "allow", other.baseUrl)).exit).toBe(0);
      for (const [, path, body] of exchanges) {
        for (const stream of [false, true]) {
          const told = await ask(front, path, { ...body, stream, model: name });
          expect(told).not.toContain('"error":"');
          // It has the same model, though it puts a prompt of its own around it.
          if (name === "llama-server") {
            const here = await ask(engine, path, { ...body, stream, model: smallModelName });
            expect(kindsOf(told)).toEqual(kindsOf(here));
          }
        }
      }
      if (name === "llama-server") await expectFreedSlots(other);
    },
    15 * 60_000,
  );
}
