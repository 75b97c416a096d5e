// Bodies that are wrong in every way, at every dialect: each is answered in the dialect's own shape.

import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readText } from "../../../src/server/body.ts";
import { ScriptedApp } from "./scripted-app.ts";

interface Dialect {
  readonly path: string;
  readonly good: object;
  readonly messageOf: (body: unknown) => unknown;
}

const dialects: Readonly<Record<string, Dialect>> = {
  native: {
    path: "/api/chat",
    good: { model: "scripted", messages: [{ role: "user", content: "x" }], stream: false },
    messageOf: (body) => (body as { error: string }).error,
  },
  openai: {
    path: "/v1/chat/completions",
    good: { model: "scripted", messages: [{ role: "user", content: "x" }] },
    messageOf: (body) => (body as { error: { message: string } }).error.message,
  },
  anthropic: {
    path: "/v1/messages",
    good: { model: "scripted", max_tokens: 1, messages: [{ role: "user", content: "x" }] },
    messageOf: (body) => (body as { type: "error"; error: { message: string } }).error.message,
  },
};

describe.each(Object.entries(dialects))("%s", (_, { path, good, messageOf }) => {
  test.each<[string, string, string]>([
    ["an empty body", "", "missing request body"],
    ["half a body", '{"model":', "unexpected EOF"],
    ["no object", "[1]", "cannot unmarshal array"],
    ["a number for a name", '{"model":5}', "cannot unmarshal number"],
    ["a wrong type deep inside", '{"model":"scripted","messages":[{"role":{"a":1}}]}', "cannot unmarshal object"],
    ["endless nesting", `{"model":"scripted","messages":${"[".repeat(20_000)}`, "exceeded max depth"],
  ])("%s is a 400", async (_name, body, message) => {
    await using app = new ScriptedApp();
    const response = await app.post(path, body);
    expect(response.status).toBe(400);
    expect(messageOf(await response.json())).toContain(message);
  });

  test("a body that is too large is a 413", async () => {
    await using app = new ScriptedApp();
    const response = await app.fetch(path, { method: "POST", body: "{}", headers: { "content-length": "999999999" } });
    expect(response.status).toBe(413);
    expect(messageOf(await response.json())).toContain("request body is larger than");
  });

  test("bytes that are no UTF-8 are replaced, and of duplicate keys the last counts", async () => {
    await using app = new ScriptedApp();
    const text = JSON.stringify({ ...good, messages: undefined }).slice(0, -1);
    const body = Buffer.concat([
      Buffer.from(`${text},"messages":[],"messages":[{"role":"user","content":"`),
      Buffer.from([0xff]),
      Buffer.from('"}]} trailing'),
    ]);
    const response = await app.fetch(path, { method: "POST", body });
    expect(response.status).toBe(200);
    expect(app.model.chats[0]?.messages.at(-1)?.content).toBe("\ufffd");
  });

  test("ten thousand messages are answered", async () => {
    await using app = new ScriptedApp();
    const messages = Array.from({ length: 10_000 }, (_, index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      content: "x",
    }));
    expect((await app.post(path, { ...good, messages })).status).toBe(200);
    expect(app.model.chats[0]?.messages).toHaveLength(10_000);
  });
});

test.each<[string, object, string]>([
  ["/api/chat", { tools: [{ type: "function" }] }, "tools.0.function is required"],
  [
    "/api/chat",
    { tools: [{ type: "function", function: { name: "f", parameters: 5 } }] },
    "json: cannot unmarshal number into Go struct field ToolFunction.tools.function.parameters of type api.ToolFunctionParameters",
  ],
  [
    "/api/create",
    { model: "m", files: { "a.gguf": 5 } },
    "json: cannot unmarshal number into Go struct field CreateRequest.files of type string",
  ],
  [
    "/v1/messages",
    { messages: [{ role: "user", content: [{ type: "text", text: 5 }] }] },
    "json: cannot unmarshal number into Go struct field ContentBlock.text of type string",
  ],
  [
    "/v1/messages",
    { messages: [{ role: "assistant", content: [{ type: "tool_use", id: "a", name: "b", input: 5 }] }] },
    "json: cannot unmarshal number into Go struct field ContentBlock.input of type api.ToolCallFunctionArguments",
  ],
  [
    "/v1/messages",
    { system: [{ type: "text", text: ["x"] }] },
    "json: cannot unmarshal array into Go struct field ContentBlock.text of type string",
  ],
  [
    "/v1/responses",
    { input: [{ type: "function_call_output", call_id: 5, output: "x" }] },
    "input[0]: json: cannot unmarshal number into Go struct field ResponsesInputItem.call_id of type string",
  ],
  [
    "/v1/responses",
    { input: [{ role: "user", content: [{ type: "input_text", text: {} }] }] },
    "input[0]: content[0]: json: cannot unmarshal object into Go struct field ResponsesContent.text of type string",
  ],
  [
    "/v1/responses",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: { url: "data:image/png;base64,AA==" } }] }] },
    "input[0]: content[0]: json: cannot unmarshal object into Go struct field ResponsesContent.image_url of type string",
  ],
])("%s refuses what has the wrong type deep inside: %j", async (path, wrong, message) => {
  await using app = new ScriptedApp();
  const good = { model: "scripted", max_tokens: 1, messages: [{ role: "user", content: "x" }], stream: false };
  const response = await app.post(path, { ...good, ...wrong });
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: path.startsWith("/v1/") ? { message } : message },
  ]);
});

describe("a body that is compressed", () => {
  const send = async (body: Buffer, encoding: string) => {
    await using app = new ScriptedApp();
    const response = await app.fetch("/v1/responses", {
      method: "POST",
      body,
      headers: { "content-encoding": encoding },
    });
    return { status: response.status, body: await response.text() };
  };
  const json = Buffer.from(JSON.stringify({ model: "scripted", input: "x" }));

  test("with zstd or gzip is read", async () => {
    expect((await send(zstdCompressSync(json), "zstd")).status).toBe(200);
    expect((await send(gzipSync(json), "gzip")).status).toBe(200);
  });

  test("and would be huge is refused before it is", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.byteLength).toBeLessThan(100_000);
    expect((await send(bomb, "zstd")).status).toBe(413);
  });

  test("and is not what it says is a 400", async () => {
    expect(await send(json, "zstd")).toMatchObject({
      status: 400,
      body: expect.stringContaining("failed to decompress zstd body"),
    });
    expect(await send(json, "br")).toMatchObject({
      status: 400,
      body: expect.stringContaining('content encoding \\"br\\" is not supported'),
    });
  });
});

test("a body that stops arriving is given up, and its source is told", async () => {
  let told = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    cancel() {
      told = true;
    },
  });
  const request = new Request("http://localhost/", { method: "POST", body });
  const failure: unknown = await readText(request, 100, 10).catch((error: unknown) => error);
  expect(failure).toMatchObject({ fault: "invalid", message: "the request body stopped arriving" });
  expect(told).toBe(true);
});
