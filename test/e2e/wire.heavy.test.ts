// Replays what was recorded from a real Ollama against the program, in the same order on the same kind of store. Every difference
// is listed here and argued in docs/differences.md; one that is listed and does not show is as wrong as one that is not listed.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startServer, type TestServer } from "../support/server.ts";
import { created, uploadSmallModel } from "./small-model-server.ts";
import { accepted } from "./wire-accepted.ts";
import { type Answer, differences, type Recorded } from "./wire-difference.ts";

const corpus = readFileSync(join(import.meta.dir, "../fixtures/wire/ollama-0.0.0.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Recorded);

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  const digest = await uploadSmallModel(server);
  // The recorded store held both, and the five bytes that a later entry uploads.
  for (const model of ["smollm2:135m", "gemma3:270m"]) await created(server, model, digest);
  await post("/api/blobs/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "hello");
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function post(path: string, body: string): Promise<void> {
  const response = await fetch(server.baseUrl + path, { method: "POST", body, proxy: false });
  const text = await response.text();
  if (!response.ok || text.includes('"error"')) throw new Error(`${path}: ${response.status} ${text}`);
}

async function replay({ request, answer }: Recorded): Promise<Answer> {
  const { method, path, body, raw, headers } = request;
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(server.baseUrl + path, {
    method,
    redirect: "manual",
    proxy: false,
    ...(sent === undefined ? {} : { body: sent }),
    headers: { "content-type": "application/json", ...headers },
  });
  const text = (await response.text()).replaceAll(server.home.modelsDir, "$OLLAMA_MODELS");
  const got = { status: response.status, headers: Object.fromEntries(response.headers) };
  if (answer.json !== undefined) return { ...got, json: parsed(text) };
  if (answer.lines !== undefined) return { ...got, lines: text.split("\n").filter(Boolean).map(parsed) };
  if (answer.events !== undefined) return { ...got, events: text.split("\n\n").filter(Boolean) };
  return { ...got, text };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return `not JSON: ${text}`;
  }
}

test("the corpus is the whole one", () => {
  expect(corpus).toHaveLength(115);
});

/** What happened between two recorded exchanges. */
const before: Readonly<Record<string, () => Promise<void>>> = {
  cleanup1: () => post("/api/create", JSON.stringify({ model: "pirate2", from: "pirate" })),
};

for (const recorded of corpus) {
  test(`${recorded.request.name} is answered as Ollama does`, async () => {
    await before[recorded.request.name]?.();
    const found = differences(recorded.answer, await replay(recorded));
    expect(found).toEqual([...(accepted[recorded.request.name] ?? [])]);
  }, 60_000);
}

test("no difference is listed for something that was not recorded", () => {
  const names = new Set(corpus.map(({ request }) => request.name));
  expect(Object.keys(accepted).filter((name) => !names.has(name))).toEqual([]);
});
