// Images for models that are served elsewhere: they arrive in the form that the engine takes, from every dialect, or are
// refused before it is asked.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { FakeEngine } from "../support/fake-engine.ts";
import { type RemoteApp, remoteApp } from "./remote-app.ts";

/** One pixel. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1]).toString("base64");

let engine: FakeEngine;
let app: RemoteApp;

beforeEach(async () => {
  engine = new FakeEngine();
  app = await remoteApp();
  await app.allow({ origin: engine.origin });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

const uri = (type: string, data: string) => ({
  type: "image_url",
  image_url: { url: `data:image/${type};base64,${data}` },
});
const question = { type: "text", text: "What is it?" };

/** What each dialect calls a question with a PNG. */
const dialects: readonly (readonly [path: string, body: Record<string, unknown>])[] = [
  ["/api/chat", { messages: [{ role: "user", content: "What is it?", images: [png] }] }],
  ["/api/generate", { prompt: "What is it?", images: [png] }],
  ["/v1/chat/completions", { messages: [{ role: "user", content: [question, uri("png", png)] }] }],
  [
    "/v1/responses",
    {
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "What is it?" },
            { type: "input_image", image_url: `data:image/png;base64,${png}` },
          ],
        },
      ],
    },
  ],
  [
    "/v1/messages",
    {
      max_tokens: 9,
      messages: [
        {
          role: "user",
          content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: png } }, question],
        },
      ],
    },
  ],
];

test.each(dialects)("%s: an OpenAI-compatible engine gets parts with a data URI", async (path, body) => {
  await app.create(engine.baseUrl);
  const response = await app.post(path, { model: "m", stream: false, ...body });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("Hello there")]);
  const messages = engine.lastBody("/v1/chat/completions")?.["messages"];
  expect(messages).toEqual([{ role: "user", content: [uri("png", png), question] }]);
});

test.each(dialects.filter(([path]) => path !== "/api/generate"))(
  "%s: an Ollama gets them as images",
  async (path, body) => {
    beOllama(["completion", "vision"]);
    await app.create(engine.origin);
    const response = await app.post(path, { model: "m", stream: false, ...body });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("A pixel")]);
    expect(engine.lastBody("/api/chat")?.["messages"]).toMatchObject([
      { role: "user", content: "What is it?", images: [png] },
    ]);
  },
);

test("a prompt's images go to an Ollama with the prompt", async () => {
  beOllama(["completion", "vision"]);
  await app.create(engine.origin);
  await app.post("/api/generate", { model: "m", stream: false, prompt: "What is it?", images: [png] });
  expect(engine.lastBody("/api/generate")).toMatchObject({ prompt: "What is it?", images: [png] });
});

test("the kind is read off the bytes, not off what a client calls it", async () => {
  await app.create(engine.baseUrl);
  await ask({ messages: [{ role: "user", content: [question, uri("png", jpeg)] }] }, "/v1/chat/completions");
  expect(engine.lastBody("/v1/chat/completions")?.["messages"]).toEqual([
    { role: "user", content: [uri("jpeg", jpeg), question] },
  ]);
});

test("what is no image is refused before anybody is asked", async () => {
  await app.create(engine.baseUrl);
  const refused = await ask({ messages: [{ role: "user", content: "", images: ["aGVsbG8gdGhlcmUh"] }] });
  expect(refused).toEqual([400, { error: "an image is neither PNG, JPEG, GIF nor WebP" }]);
  expect(engine.lastBody("/v1/chat/completions")).toBeUndefined();
});

const withImage = { messages: [{ role: "user", content: "?", images: [png] }] };

test("an Ollama that says its model cannot see is not sent any", async () => {
  beOllama(["completion"]);
  await app.create(engine.origin);
  expect(await ask(withImage)).toEqual([
    400,
    { error: `"m" cannot be given images: ${engine.origin} serves it as a text model` },
  ]);
});

test("an engine that lists its kinds of input is believed", async () => {
  const kinds = ["text"];
  engine.on("/v1/models", () => Response.json({ data: [{ id: "big", architecture: { input_modalities: kinds } }] }));
  await app.create(engine.baseUrl);
  expect((await ask(withImage))[0]).toBe(400);
});

test("capabilities given at creation decide over what is said elsewhere", async () => {
  await app.create(engine.baseUrl, { info: { capabilities: ["completion", "tools"] } });
  expect((await ask(withImage))[0]).toBe(400);
});

test("a model with a template of its own takes text only", async () => {
  await app.create(engine.baseUrl, { template: "{{ .Prompt }}" });
  expect((await ask(withImage))[0]).toBe(400);
});

test("an engine that refuses them is named", async () => {
  engine.on("/v1/chat/completions", () =>
    Response.json({ error: { message: "big is not a multimodal model" } }, { status: 400 }),
  );
  await app.create(engine.baseUrl);
  expect(await ask(withImage)).toEqual([
    400,
    { error: `${engine.baseUrl} refused the request: big is not a multimodal model` },
  ]);
});

async function ask(body: Record<string, unknown>, path = "/api/chat"): Promise<[number, unknown]> {
  const response = await app.post(path, { model: "m", stream: false, ...body });
  return [response.status, await response.json()];
}

function beOllama(capabilities: readonly string[]): void {
  const done = { done: true, done_reason: "stop" };
  engine.on("/api/version", () => Response.json({ version: "0.13.0" }));
  engine.on("/api/show", () => Response.json({ capabilities, model_info: {} }));
  engine.on("/api/chat", () => Response.json({ message: { role: "assistant", content: "A pixel" }, ...done }));
  engine.on("/api/generate", () => Response.json({ response: "A pixel", ...done }));
}
