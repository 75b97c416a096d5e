// Embeddings through every route: the numbers are those of the network computed here without llama.cpp, and cut, counted,
// refused and encoded as Ollama's and OpenAI's clients expect (spec 2.46–2.48). Also what show tells of models.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { digestOf } from "../../src/base/digest.ts";
import { bertVector } from "../support/bert-score.ts";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { layoutBytes, tinyGguf, tinyLayout, tinyProjectorLayout } from "../support/tiny-gguf.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 120_000;
let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  await client.createTiny("bert", "bert");
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Embedded {
  readonly model: string;
  readonly embeddings: readonly (readonly number[])[];
  readonly prompt_eval_count?: number;
  readonly total_duration?: number;
}
const embed = (body: Record<string, unknown>) => client.ask<Embedded>("/api/embed", { model: "bert", ...body });
const tokensOf = async (text: string) =>
  (await client.ask<{ tokens: number[] }>("/api/tokenize", { model: "bert", text })).tokens;
const cosine = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((total, value, i) => total + value * (right[i] ?? 0), 0);
const lengthOf = (vector: readonly number[]): number => Math.sqrt(cosine(vector, vector));
const texts = Array.from({ length: 100 }, (_, i) =>
  Array.from({ length: (i % 17) + 1 }, (__, j) => "abcdefgh"[(i + j) % 8]).join(" "),
);

test(
  "a hundred texts at once have the network's own vectors, in order, and their tokens are counted",
  async () => {
    const { embeddings, prompt_eval_count: count } = await embed({ input: texts });
    expect(embeddings.length).toBe(texts.length);
    const network = tinyLayout("bert");
    let tokens = 0;
    for (const [i, text] of texts.entries()) {
      const ids = await tokensOf(text);
      tokens += ids.length;
      expect(lengthOf(embeddings[i] ?? [])).toBeCloseTo(1, 5);
      if (i % 7 === 0) expect(cosine(embeddings[i] ?? [], bertVector(network, ids))).toBeGreaterThan(0.99999);
    }
    expect(count).toBe(tokens);
  },
  LIMIT_MS,
);

test("one text, the older route and OpenAI's give the same direction", async () => {
  const [vector = []] = (await embed({ input: "a b c" })).embeddings;
  const older = await client.ask<{ embedding: number[] }>("/api/embeddings", { model: "bert", prompt: "a b c" });
  expect(cosine(vector, older.embedding) / lengthOf(older.embedding)).toBeCloseTo(1, 5);
  interface List {
    readonly data: readonly { readonly embedding: string | number[]; readonly index: number }[];
    readonly usage: { readonly prompt_tokens: number };
  }
  const list = await client.ask<List>("/v1/embeddings", {
    model: "bert",
    input: ["a b c", ""],
    encoding_format: "base64",
  });
  const bytes = Buffer.from(list.data[0]?.embedding as string, "base64");
  expect([...new Float32Array(new Uint8Array(bytes).buffer)]).toEqual(vector.map(Math.fround));
  expect(list.usage.prompt_tokens).toBe((await tokensOf("a b c")).length + (await tokensOf("")).length);
});

test("dimensions cuts and brings back to length 1", async () => {
  const [full = []] = (await embed({ input: "a b c" })).embeddings;
  const [cut = []] = (await embed({ input: "a b c", dimensions: 8 })).embeddings;
  const start = full.slice(0, 8);
  expect(cut.length).toBe(8);
  cut.forEach((value, i) => expect(value).toBeCloseTo((start[i] ?? 0) / lengthOf(start), 5));
  expect((await embed({ input: "a b c", dimensions: 4096 })).embeddings[0]?.length).toBe(full.length);
});

test("what is too long is cut, or refused when that is not wanted", async () => {
  const long = Array.from({ length: 2000 }, () => "a").join(" ");
  expect((await embed({ input: long })).prompt_eval_count).toBe(512);
  expect((await embed({ input: long, options: { num_ctx: 16 } })).prompt_eval_count).toBe(16);
  const refused = await client.post("/api/embed", { model: "bert", input: ["a", long], truncate: false });
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: "the input length exceeds the context length" },
  ]);
});

test("nothing to embed loads the model and gives nothing", async () => {
  for (const input of ["", [], undefined]) expect((await embed({ input })).embeddings).toEqual([]);
  const older = await client.ask<{ embedding: number[] }>("/api/embeddings", { model: "bert", prompt: "" });
  expect(older.embedding).toEqual([]);
});

test.each([[[1, 2]], [[["a"]]], [5], [{ text: "a" }]])("%j is no input", async (input) => {
  const answer = await client.post("/api/embed", { model: "bert", input });
  expect([answer.status, await answer.json()]).toEqual([400, { error: "invalid input type" }]);
});

describe("a model with a projector", () => {
  const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  beforeAll(async () => {
    const files: Record<string, string> = {};
    for (const [name, bytes] of [
      ["model.gguf", tinyGguf("llama")],
      ["mmproj.gguf", layoutBytes(tinyProjectorLayout())],
    ] as const) {
      files[name] = digestOf(bytes);
      await client.fetch(`/api/blobs/${files[name]}`, { method: "POST", body: bytes });
    }
    await client.ask("/api/create", { model: "eyes", files });
  });

  test("is shown with it and with the capability", async () => {
    const { stdout } = await runProgram(["show", "eyes"], { env: server.env });
    expect(stdout).toMatch(/Capabilities\n\s+completion\s*\n\s+vision/);
    expect(stdout).toMatch(/Projector\n\s+architecture\s+clip\s*\n\s+parameters\s+4/);
  });

  test("talks", async () => {
    expect((await client.generate("eyes", "hello")).eval_count).toBeGreaterThan(0);
  });

  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
  const source = { type: "base64", media_type: "image/png", data: PIXEL };
  test.each<[string, object]>([
    ["/api/generate", { prompt: "what is this?", images: [PIXEL] }],
    ["/api/chat", { messages: [{ role: "user", content: "what is this?", images: [PIXEL] }] }],
    ["/v1/chat/completions", { messages: [{ role: "user", content: [image] }] }],
    ["/v1/messages", { max_tokens: 5, messages: [{ role: "user", content: [{ type: "image", source }] }] }],
  ])("says at %s that it is not given images", async (path, body) => {
    const answer = await client.post(path, { model: "eyes", ...body });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining("cannot be given images: this build runs text models only") as string,
    ]);
  });
});

test(
  "a text of no tokens is refused alone: what is embedded beside it has its vector",
  async () => {
    await client.createTiny("plain", "llama");
    expect((await client.ask<{ tokens: number[] }>("/api/tokenize", { model: "plain", text: "" })).tokens).toEqual([]);
    const inputs = Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? "" : `a b ${i}`));
    const answers = inputs.map((input) => client.post("/v1/embeddings", { model: "plain", input: [input] }));
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses).toEqual(inputs.map((input) => (input === "" ? 400 : 200)));
  },
  LIMIT_MS,
);

test("show -v lists the metadata and every tensor with type and shape", async () => {
  const { stdout } = await runProgram(["show", "-v", "bert"], { env: server.env });
  for (const { name, shape } of tinyLayout("bert").tensors) {
    expect(stdout).toMatch(new RegExp(`${name.replaceAll(".", "\\.")}\\s+F32\\s+\\[${shape.join(" ")}\\]`));
  }
  for (const line of [
    /architecture\s+bert/,
    /context length\s+512/,
    /embedding length\s+64/,
    /quantization\s+F32/,
    /Capabilities\n\s+embedding/,
    /bert\.pooling_type\s+1/,
  ]) {
    expect(stdout).toMatch(line);
  }
});
