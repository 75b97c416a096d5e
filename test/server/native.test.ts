// The native routes up to where a runner is needed: errors by name, management, blobs (spec 2.15–2.61).

import { describe, expect, test } from "bun:test";
import { truncate, writeFile } from "node:fs/promises";
import { digestOf } from "../../src/base/digest.ts";
import { ModelName } from "../../src/models/name.ts";
import { keepAliveMs } from "../../src/api/go-types.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { errorOf, NO_LIBRARIES, testApp } from "./test-app.ts";

const MISSING = `sha256:${"a".repeat(64)}`;

describe("model names (spec 2.15, 2.16)", () => {
  const cases: [string, string, unknown, number, string][] = [
    ["generate without a model", "/api/generate", {}, 404, "model '' not found"],
    ["chat without a model", "/api/chat", {}, 400, "model is required"],
    ["show without a model", "/api/show", {}, 400, "model is required"],
    ["delete without a model", "/api/delete", {}, 400, "model is required"],
    ["generate with a bad name", "/api/generate", { model: "-x" }, 400, "invalid model name"],
    ["chat with a bad name", "/api/chat", { model: "a b" }, 400, "invalid model name"],
    ["show with a bad name", "/api/show", { model: "../x" }, 400, "invalid model name"],
    ["create with a bad name", "/api/create", { model: "-x", from: "y" }, 400, "invalid model name"],
    ["delete with a bad name", "/api/delete", { model: "-x" }, 400, 'name "-x" is invalid'],
    ["copy from a bad name", "/api/copy", { source: "-x", destination: "y" }, 400, 'source "-x" is invalid'],
    ["copy to a bad name", "/api/copy", { source: "x", destination: "-y" }, 400, 'destination "-y" is invalid'],
    ["generate with an unknown model", "/api/generate", { model: "x" }, 404, "model 'x' not found"],
    ["chat with an unknown model", "/api/chat", { model: "X:1" }, 404, "model 'X:1' not found"],
    ["show of an unknown model", "/api/show", { model: "x" }, 404, "model 'x:latest' not found"],
    ["delete of an unknown model", "/api/delete", { model: "x" }, 404, "model 'x' not found"],
    ["copy of an unknown model", "/api/copy", { source: "x", destination: "y" }, 404, 'model "x" not found'],
  ];
  test.each(cases)("%s", async (_, path, body, status, message) => {
    await using app = await testApp();
    const method = path === "/api/delete" ? "DELETE" : "POST";
    expect(await errorOf(await app.post(path, body, method))).toEqual([status, message]);
  });
});

describe("requests that a model cannot serve", () => {
  const cases: [string, string, Record<string, unknown>, number, string][] = [
    [
      "an option of the wrong type",
      "/api/generate",
      { options: { num_ctx: "big" } },
      400,
      'option "num_ctx" must be of type integer',
    ],
    ["too many log-probabilities", "/api/chat", { top_logprobs: 21 }, 400, "top_logprobs must be between 0 and 20"],
    ["fewer than none", "/api/generate", { top_logprobs: -1 }, 400, "top_logprobs must be between 0 and 20"],
    [
      "raw with a system text",
      "/api/generate",
      { prompt: "x", raw: true, system: "y" },
      400,
      "raw mode does not support template, system, or context",
    ],
    ["thinking", "/api/chat", { think: true }, 400, '"m" does not support thinking'],
    [
      "a think value that is none",
      "/api/chat",
      { think: "hard" },
      400,
      'invalid think value: "hard" (must be "high", "medium", "low", "max", true, or false)',
    ],
    [
      "tools",
      "/api/chat",
      { messages: [{ role: "user", content: "x" }], tools: [{ type: "function", function: { name: "f" } }] },
      400,
      "registry.ollama.ai/library/m:latest does not support tools",
    ],
    [
      "a suffix",
      "/api/generate",
      { prompt: "x", suffix: "y" },
      400,
      "registry.ollama.ai/library/m:latest does not support insert",
    ],
    [
      "a keep-alive without a unit",
      "/api/generate",
      { keep_alive: "300" },
      400,
      'time: missing unit in duration "300"',
    ],
    ["a keep-alive that is a list", "/api/generate", { keep_alive: [] }, 400, "Unsupported type: '[]interface {}'"],
  ];
  test.each(cases)("%s", async (_, path, body, status, message) => {
    await using app = await testApp();
    await app.addModel("m", "llama");
    expect(await errorOf(await app.post(path, { model: "m", ...body }))).toEqual([status, message]);
  });
  test("an embedding model does not generate (spec 2.23)", async () => {
    await using app = await testApp();
    await app.addModel("e", "bert");
    expect(await errorOf(await app.post("/api/generate", { model: "e", prompt: "x" }))).toEqual([
      400,
      '"e" does not support generate',
    ]);
  });
});

test.each([
  [undefined, undefined],
  [null, undefined],
  [300, 300_000],
  [0.5, 500],
  [0, 0],
  [-1, Infinity],
  ["5m", 300_000],
  ["0", 0],
  ["-1s", Infinity],
  ["1.5s", 1500],
])("keep_alive %p is %p milliseconds (spec 2.45)", (value, ms) => {
  expect(keepAliveMs(value)).toBe(ms);
});

test("an empty prompt with keep_alive 0 unloads, and says so whether or not it was loaded", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  for (const path of ["/api/generate", "/api/chat"]) {
    const answer = (await (await app.post(path, { model: "m", keep_alive: 0 })).json()) as Record<string, unknown>;
    expect([answer["done"], answer["done_reason"], answer["model"]]).toEqual([true, "unload", "m"]);
  }
});

test("a model that cannot be loaded is an error with its reason, and nothing stays behind in ps", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  for (const stream of [true, false]) {
    expect(await errorOf(await app.post("/api/generate", { model: "m", prompt: "x", stream }))).toEqual([
      500,
      NO_LIBRARIES,
    ]);
  }
  expect(await (await app.fetch("/api/ps")).json()).toEqual({ models: [] });
});

test("the prompt that would be sent can be looked at without a model in memory", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  const body = { model: "m", messages: [{ role: "user", content: "hi <there>" }], _debug_render_only: true };
  const answer = (await (await app.post("/api/chat", body)).json()) as { _debug_info: { rendered_template: string } };
  expect(answer._debug_info.rendered_template).toBe("<|im_start|>user\nhi <there><|im_end|>\n<|im_start|>assistant\n");
});

test("models are listed, shown, copied and deleted", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  expect((await app.post("/api/copy", { source: "M", destination: "me/copy:1" })).status).toBe(200);
  const { models } = (await (await app.fetch("/api/tags")).json()) as { models: Record<string, string>[] };
  expect(new Set(models.map(({ name }) => name))).toEqual(new Set(["m:latest", "me/copy:1"]));
  expect(models[0]?.["digest"]).toMatch(/^[0-9a-f]{64}$/);
  expect(models[0]?.["digest"]).toBe(models[1]?.["digest"] ?? "");
  const shown = await app.post("/api/show", { model: "me/copy:1" });
  expect(shown.status).toBe(200);
  const removed = await app.post("/api/delete", { model: "m" }, "DELETE");
  expect([removed.status, await removed.text()]).toEqual([200, ""]);
  expect((await app.post("/api/show", { name: "me/copy:1" })).status).toBe(200);
  await app.post("/api/delete", { name: "me/copy:1" }, "DELETE");
  expect((await app.store.blobs.list()).digests).toEqual([]);
});

test("a damaged model is listed, says what to do, and can be removed even when its manifest is unreadable", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  const name = ModelName.parse("m");
  const stored = await app.store.find(name);
  const weights = stored?.manifest.layers.find((layer) => layer.mediaType.endsWith(".model"));
  if (weights === undefined) throw new Error("no weights");
  const listed = async () => ((await (await app.fetch("/api/tags")).json()) as { models: { name: string }[] }).models;
  await truncate(app.store.blobs.path(weights.digest), 1000);
  expect(await listed()).toMatchObject([{ name: "m:latest" }]);
  const [status, message] = await errorOf(await app.post("/api/show", { model: "m" }));
  expect(status).toBe(500);
  expect(message).toStartWith(
    `a file of model 'm:latest' is damaged (1000 bytes long instead of ${weights.size}): fetch it again with 'ollama pull m:latest'`,
  );
  await writeFile(app.store.manifestPath(name), "{");
  expect((await app.post("/api/delete", { model: "M" }, "DELETE")).status).toBe(200);
  expect((await app.post("/api/delete", { model: "m" }, "DELETE")).status).toBe(404);
});

describe("blobs (spec 2.61)", () => {
  const bytes = tinyGguf("llama");
  const digest = digestOf(bytes);

  test("are uploaded once and then there", async () => {
    await using app = await testApp();
    const upload = () => app.fetch(`/api/blobs/${digest}`, { method: "POST", body: bytes.slice() });
    const ask = async () => (await app.fetch(`/api/blobs/${digest}`, { method: "HEAD" })).status;
    expect(await ask()).toBe(404);
    expect([(await upload()).status, (await upload()).status]).toEqual([201, 200]);
    expect(await ask()).toBe(200);
  });
  test("with another hash or name are refused", async () => {
    await using app = await testApp();
    const wrong = await app.fetch(`/api/blobs/${MISSING}`, { method: "POST", body: "x" });
    expect(await errorOf(wrong)).toEqual([400, `digest mismatch, expected "${MISSING}", got "${digestOf("x")}"`]);
    expect(await errorOf(await app.fetch("/api/blobs/sha256:1", { method: "POST", body: "x" }))).toEqual([
      400,
      "invalid digest format",
    ]);
    expect((await app.fetch("/api/blobs/sha256:1", { method: "HEAD" })).status).toBe(400);
  });
  test("become a model, told as a stream or as one last status", async () => {
    await using app = await testApp();
    await app.fetch(`/api/blobs/${digest}`, { method: "POST", body: bytes.slice() });
    const request = { model: "m", files: { "m.gguf": digest } };
    const streamed = await app.post("/api/create", request);
    expect(streamed.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await streamed.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { status: string });
    expect([lines[0]?.status, lines.at(-1)?.status]).toEqual(["parsing GGUF", "success"]);
    const whole = await app.post("/api/create", { ...request, stream: false });
    expect(await whole.json()).toEqual({ status: "success" });
    expect(whole.headers.get("content-type")).toBe("application/json");
  });
  test("that are no models end a stream with the error and leave no model", async () => {
    await using app = await testApp();
    const cut = bytes.slice(0, 5000);
    await app.fetch(`/api/blobs/${digestOf(cut)}`, { method: "POST", body: cut.slice() });
    const request = { model: "m", files: { "m.gguf": digestOf(cut) } };
    const lines = (await (await app.post("/api/create", request)).text()).trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ error: expect.stringMatching(/.{10}/) });
    const [status, message] = await errorOf(await app.post("/api/create", { ...request, stream: false }));
    expect([status, message.length > 10]).toEqual([400, true]);
    expect(await (await app.fetch("/api/tags")).json()).toEqual({ models: [] });
  });
});
