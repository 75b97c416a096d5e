// Structured output with the real model: what it says is parsed and judged by ajv, streamed and not, over the schema corpus
// and three seeds. A cut answer must say so; an answer that ends must be valid.

import { afterAll, beforeAll, expect, test } from "bun:test";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { smallModelName } from "../../scripts/small-model.mjs";
import { schemaCases } from "../support/schema-corpus.ts";
import type { TestServer } from "../support/server.ts";
import { smallModelServer } from "./small-model-server.ts";

const SEEDS = [1, 2, 3];
const AT_ONCE = 12;
const TOKENS = 64;
const LIMIT_MS = 6 * 60_000;

let server: TestServer;
beforeAll(async () => {
  server = await smallModelServer();
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Answer {
  readonly text: string;
  readonly reason: string;
}

async function ask(body: Readonly<Record<string, unknown>>, stream: boolean): Promise<Answer> {
  const response = await fetch(`${server.baseUrl}/api/generate`, {
    method: "POST",
    body: JSON.stringify({ model: smallModelName, prompt: "Describe a cat named Tom.", stream, ...body }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  const chunks = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { response: string; done_reason?: string; error?: string });
  const failed = chunks.find(({ error }) => error !== undefined);
  if (failed !== undefined) throw new Error(failed.error);
  return { text: chunks.map(({ response: part }) => part).join(""), reason: chunks.at(-1)?.done_reason ?? "" };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The API takes schema objects only, as Ollama does. */
const judged = schemaCases
  .filter(
    ({ draft, schema }) => (draft === undefined || draft === 2020) && typeof schema === "object" && schema !== null,
  )
  .slice(0, 90);

test(
  "every answer that ends is valid against its schema, and a cut one says so",
  async () => {
    expect(judged.length).toBeGreaterThanOrEqual(80);
    const wrong: string[] = [];
    let ended = 0;
    const jobs = judged.flatMap((schemaCase) => SEEDS.map((seed) => ({ ...schemaCase, seed })));
    await inParallel(jobs, async ({ name, schema, seed }) => {
      const ajv = new Ajv2020({ strict: false, allErrors: true });
      addFormats(ajv);
      const validate = ajv.compile(schema as object);
      const options = { temperature: 0.9, seed, num_predict: TOKENS };
      const { text, reason } = await ask({ format: schema, options }, seed % 2 === 0);
      if (reason === "length") return;
      ended++;
      try {
        if (!validate(JSON.parse(text)))
          wrong.push(`${name}, seed ${seed}: ${text} (${ajv.errorsText(validate.errors)})`);
      } catch {
        wrong.push(`${name}, seed ${seed}: not JSON: ${text}`);
      }
    });
    expect(wrong).toEqual([]);
    // Most schemas are small enough to be finished within the limit; else the test would judge nothing.
    expect(ended).toBeGreaterThan(jobs.length / 2);
  },
  LIMIT_MS,
);

test('format "json" gives an object', async () => {
  const { text, reason } = await ask({ format: "json", options: { temperature: 0, num_predict: 200 } }, false);
  if (reason === "stop") expect(typeof JSON.parse(text)).toBe("object");
  else expect(text.trimStart()).toStartWith("{");
}, 60_000);

test("a raw grammar is followed", async () => {
  const { text, reason } = await ask(
    { grammar: 'root ::= ("yes" | "no") "!"', options: { temperature: 1, num_predict: 20 } },
    true,
  );
  expect([text === "yes!" || text === "no!", reason]).toEqual([true, "stop"]);
}, 60_000);

test.each([
  ["an unknown keyword that changes meaning", { format: { type: "array", contains: { type: "string" } } }, "contains"],
  ["a remote reference", { format: { $ref: "https://example.com/s.json" } }, "$ref"],
  ["a grammar without a root", { grammar: 'x ::= "a"' }, "root"],
  ["a grammar that repeats too often", { grammar: 'root ::= "a"{100000}' }, ""],
] as const)(
  "%s is a 400 that says what is wrong",
  async (_, body, word) => {
    const response = await fetch(`${server.baseUrl}/api/generate`, {
      method: "POST",
      body: JSON.stringify({ model: smallModelName, prompt: "x", ...body }),
    });
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error.includes(word)]).toEqual([400, true]);
  },
  60_000,
);
