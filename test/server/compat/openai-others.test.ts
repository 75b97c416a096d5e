// /v1/completions, /v1/embeddings and /v1/models through the whole application, over a scripted model.

import { describe, expect, test } from "bun:test";
import { ModelName } from "../../../src/models/name.ts";
import { floatsToBase64 } from "../../../src/server/compat/openai/embedding-routes.ts";
import { shortFloat } from "../../../src/base/short-float.ts";
import { done, ScriptedModel, text } from "./scripted-model.ts";
import { ScriptedApp, textAt } from "./scripted-app.ts";

describe("/v1/completions", () => {
  const PATH = "/v1/completions";

  async function asked(body: object, script?: ConstructorParameters<typeof ScriptedModel>[0]) {
    const model = new ScriptedModel(script);
    await using app = new ScriptedApp(model);
    return { ...(await app.json(PATH, { model: "scripted", ...body })), model };
  }

  test("answers in the older shape", async () => {
    const { body, model } = await asked({ prompt: "The sky is", max_tokens: 4, suffix: "!" });
    expect(body).toMatchObject({
      id: expect.stringMatching(/^cmpl-\d+$/),
      object: "text_completion",
      system_fingerprint: "fp_ollama",
      choices: [{ text: "Hello you", index: 0, finish_reason: "stop" }],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
    });
    expect(model.prompts[0]).toMatchObject({
      prompt: "The sky is",
      suffix: "!",
      options: { num_predict: 4 },
      raw: false,
    });
  });

  test("takes several prompts, as text or as tokens, n answers to each, and counts each prompt once", async () => {
    const { body, model } = await asked({ prompt: ["ab", [99, 100]], n: 2, seed: 1, echo: true });
    expect(model.prompts.map(({ prompt, options }) => [prompt, options.seed])).toEqual([
      ["ab", 1],
      ["ab", 2],
      ["cd", 1],
      ["cd", 2],
    ]);
    expect(body).toMatchObject({
      choices: ["abHello you", "abHello you", "cdHello you", "cdHello you"].map((value, index) => ({
        text: value,
        index,
      })),
      usage: { prompt_tokens: 24, completion_tokens: 12 },
    });
  });

  test("reports log-probabilities in columns, their offsets behind an echoed prompt", async () => {
    const logprobs = [{ token: "Hi", logprob: -1, bytes: [72, 105], top: [{ token: "Ho", logprob: -2, bytes: [] }] }];
    const script = [{ type: "text-delta" as const, text: "Hi", logprobs }, done()];
    const { body, model } = await asked({ prompt: "abc", logprobs: 1, echo: true }, script);
    expect(model.prompts[0]?.logprobs).toBe(1);
    expect(body).toMatchObject({
      choices: [{ logprobs: { tokens: ["Hi"], token_logprobs: [-1], top_logprobs: [{ Ho: -2 }], text_offset: [3] } }],
    });
  });

  test("streams chunks, the echo first, an end, usage and [DONE]", async () => {
    await using app = new ScriptedApp(new ScriptedModel([text("a"), text("b"), done({ reason: "length" })]));
    const body = { model: "scripted", prompt: "p", echo: true, stream_options: { include_usage: true } };
    const events = await app.sse(PATH, body);
    expect(events.map(({ data }) => data["choices"])).toMatchObject(
      [
        [{ text: "pa", finish_reason: null }],
        [{ text: "b", finish_reason: null }],
        [{ text: "", finish_reason: "length" }],
        [],
        {},
      ]
        .slice(0, 4)
        .concat([undefined as never]),
    );
    expect(events.at(-2)?.data).toMatchObject({ usage: { total_tokens: 15 } });
    expect(events.at(-1)?.raw).toBe("[DONE]");
  });

  test.each<[object, number, string]>([
    [{ prompt: 5 }, 400, "prompt must be a text, texts, token ids or lists of token ids, not float64"],
    [{ prompt: [] }, 400, "prompt must be a text, texts, token ids or lists of token ids, not []interface {}"],
    [
      { prompt: ["a", {}] },
      400,
      "prompt must be a text, texts, token ids or lists of token ids, not map[string]interface {}",
    ],
    [{ prompt: Array.from({ length: 17 }, () => "a") }, 400, "prompts times n must not be more than 16"],
    [{ prompt: "a", best_of: 2 }, 400, "best_of is not supported beyond n"],
    [{ prompt: "a", logprobs: 21 }, 400, "logprobs must be between 0 and 20"],
    [{ prompt: "a", model: "" }, 404, "model '' not found"],
    [{ prompt: "a", model: "nope" }, 404, "model 'nope' not found"],
  ])("refuses %j", async (body, status, message) => {
    expect(await asked(body)).toMatchObject({ status, body: { error: { message } } });
  });
});

describe("embeddings", () => {
  test("/v1/embeddings brings vectors to length 1 and counts tokens", async () => {
    await using app = new ScriptedApp();
    const { body } = await app.json("/v1/embeddings", { model: "scripted", input: ["a", "b"] });
    expect(body).toEqual({
      object: "list",
      data: [0, 1].map((index) => ({ object: "embedding", embedding: [0.6, 0.8, 0], index })),
      model: "scripted",
      usage: { prompt_tokens: 4, total_tokens: 4 },
    } as never);
  });

  test("dimensions cut a vector and bring it to length 1 again", async () => {
    await using app = new ScriptedApp();
    const { body } = await app.json("/api/embed", { model: "scripted", input: "a", dimensions: 1 });
    expect(body).toMatchObject({ model: "scripted", embeddings: [[1]], prompt_eval_count: 2 });
  });

  test("base64 is little-endian float32", async () => {
    await using app = new ScriptedApp();
    const { body } = await app.json("/v1/embeddings", { model: "scripted", input: "a", encoding_format: "BASE64" });
    const bytes = Buffer.from(textAt(body["data"]?.["0"]?.["embedding"]), "base64");
    const floats = [0, 4, 8].map((at) => bytes.readFloatLE(at));
    expect(floats).toEqual([Math.fround(0.6), Math.fround(0.8), 0]);
    expect(floatsToBase64([1])).toBe("AACAPw==");
  });

  test("an empty text is embedded by OpenAI's route and none by Ollama's", async () => {
    await using app = new ScriptedApp();
    expect((await app.json("/v1/embeddings", { model: "scripted", input: "" })).body["data"]).toHaveLength(1);
    expect((await app.json("/api/embed", { model: "scripted", input: "" })).body).toEqual({
      model: "scripted",
      embeddings: [],
    } as never);
    expect(app.model.embedded).toHaveLength(1);
  });

  test("the older route gives the vector as it came", async () => {
    await using app = new ScriptedApp();
    const answer = await app.json("/api/embeddings", { model: "scripted", prompt: "a" });
    expect(answer.body).toEqual({ embedding: [3, 4, 0] } as never);
    expect(app.model.embedded[0]?.truncate).toBe(false);
  });

  test("numbers that are none are refused", async () => {
    const model = new ScriptedModel();
    model.vector = [1, Number.NaN];
    await using app = new ScriptedApp(model);
    expect(await app.json("/api/embed", { model: "scripted", input: "a" })).toMatchObject({
      status: 400,
      body: { error: "embedding contains NaN or Inf values" },
    });
  });

  test.each<[string, object, number, string]>([
    ["/api/embed", { model: "", input: "a" }, 404, "model '' not found"],
    ["/api/embed", { input: [1], model: "scripted" }, 400, "invalid input type"],
    ["/api/embed", { input: {}, model: "scripted" }, 400, "invalid input type"],
    ["/api/embed", { input: "a", model: "nope" }, 404, 'model "nope" not found, try pulling it first'],
    ["/api/embeddings", { prompt: "a" }, 400, "model is required"],
  ])("%s refuses %j", async (path, body, status, error) => {
    await using app = new ScriptedApp();
    expect(await app.json(path, body)).toMatchObject({ status, body: { error } });
  });

  test("a float prints as briefly as float32 allows", () => {
    expect([0.1, 1 / 3, 123_456.789, 0].map((value) => shortFloat(value))).toEqual([0.1, 0.33333334, 123_456.79, 0]);
    for (const value of [0.1, 1 / 3, Math.PI, 1e-30]) expect(Math.fround(shortFloat(value))).toBe(Math.fround(value));
  });
});

describe("/v1/models", () => {
  test("has a model under its name, escaped as clients send it or not", async () => {
    await using app = new ScriptedApp();
    const config = {
      mediaType: "application/vnd.docker.container.image.v1+json",
      digest: `sha256:${"0".repeat(64)}`,
      size: 2,
    };
    await app.store.writeRaw(ModelName.parse("me/tiny:1b"), JSON.stringify({ schemaVersion: 2, config, layers: [] }));
    for (const path of ["me/tiny:1b", "me%2Ftiny%3A1b"]) {
      const response = await app.fetch(`/v1/models/${path}`);
      expect(await response.json()).toMatchObject({ id: "me/tiny:1b", object: "model", owned_by: "me" });
    }
    expect((await app.fetch("/v1/models/%FF")).status).toBe(400);
  });

  test("of an empty store is a list, and an unknown model a 404 that names it in full", async () => {
    await using app = new ScriptedApp();
    expect(await (await app.fetch("/v1/models")).json()).toEqual({ object: "list", data: [] });
    const response = await app.fetch("/v1/models/hf.co/a/b:Q4");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { message: "model 'hf.co/a/b:Q4' not found", type: "not_found_error" },
    });
  });
});
