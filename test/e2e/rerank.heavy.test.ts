// Reranking with a cross-encoder of random weights: its scores are noise, but they must be the same noise however the
// documents are batched, and the numbers that the network gives when it is computed here, without llama.cpp.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer } from "../support/server.ts";
import { bertScore } from "../support/bert-score.ts";
import { tinyLayout } from "../support/tiny-gguf.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 120_000;
let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  await client.createTiny("ranker", "reranker");
  await client.createTiny("chat", "llama");
  await client.createTiny("vectors", "bert");
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Ranked {
  readonly model: string;
  readonly results: readonly { index: number; relevance_score: number; document?: { text: string } }[];
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

const query = "abc";
const documents = Array.from({ length: 70 }, (_, i) => "bcdefghij"[i % 9] ?? "").map((letter, i) =>
  Array.from({ length: (i % 13) + 1 }, () => letter).join(" "),
);
const rerank = (more: Record<string, unknown> = {}, path = "/api/rerank") =>
  client.ask<Ranked>(path, { model: "ranker", query, documents, ...more });

test.each(["/api/rerank", "/v1/rerank"])(
  "%s sorts every document, best first, with scores between 0 and 1",
  async (path) => {
    const { model, results, usage } = await rerank({}, path);
    expect(model).toBe("ranker");
    expect(results.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(documents.map((_, i) => i));
    const scores = results.map(({ relevance_score }) => relevance_score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(new Set(scores).size).toBeGreaterThan(20);
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
    expect(usage.prompt_tokens).toBeGreaterThan(documents.length * 4);
  },
  LIMIT_MS,
);

test(
  "the scores are those of the network, whatever the batch",
  async () => {
    const tokenized = async (text: string) =>
      (await client.ask<{ tokens: number[] }>("/api/tokenize", { model: "ranker", text })).tokens;
    const head = await tokenized(query);
    const { results } = await rerank();
    const network = tinyLayout("reranker");
    for (const { index, relevance_score } of results.slice(0, 12)) {
      // [CLS] query [SEP] and [CLS] document [SEP]: as a pair without the second [CLS].
      const tail = (await tokenized(documents[index] ?? "")).slice(1);
      const expected = 1 / (1 + Math.exp(-bertScore(network, [...head, ...tail])));
      expect(relevance_score).toBeCloseTo(expected, 3);
      const alone = await rerank({ documents: [documents[index]] });
      expect(alone.results[0]?.relevance_score).toBeCloseTo(relevance_score, 3);
    }
  },
  LIMIT_MS,
);

test("top_n cuts the list and return_documents brings the texts", async () => {
  const all = await rerank();
  const { results } = await rerank({
    top_n: 3,
    return_documents: true,
    documents: documents.map((text) => ({ text })),
  });
  expect(results.map(({ index }) => index)).toEqual(all.results.slice(0, 3).map(({ index }) => index));
  expect(results.map(({ document }) => document?.text)).toEqual(results.map(({ index }) => documents[index]));
  expect(all.results[0]?.document).toBeUndefined();
});

test("a document longer than the context is cut, a query that fills it is refused", async () => {
  const long = Array.from({ length: 3000 }, () => "b").join(" ");
  expect((await rerank({ documents: [long] })).results.length).toBe(1);
  const refused = await client.post("/api/rerank", { model: "ranker", query: long, documents: ["b"] });
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("leaves no room") as string]);
});

describe("models that cannot are refused by name", () => {
  test.each([
    ["/api/rerank", { model: "chat", query, documents }, '"chat" does not support rerank'],
    ["/v1/rerank", { model: "vectors", query, documents }, '"vectors" does not support rerank'],
    ["/api/embed", { model: "ranker", input: "a" }, '"ranker" does not support embeddings: it is a reranker'],
    ["/api/embeddings", { model: "ranker", prompt: "a" }, '"ranker" does not support embeddings: it is a reranker'],
    ["/v1/embeddings", { model: "ranker", input: "a" }, '"ranker" does not support embeddings: it is a reranker'],
  ])("%s", async (path, body, message) => {
    const answer = await client.post(path, body);
    const { error } = (await answer.json()) as { error: string | { message: string } };
    expect(answer.status).toBe(400);
    expect(typeof error === "string" ? error : error.message).toContain(message);
  });
});
