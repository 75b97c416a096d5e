// /v1/messages and its count_tokens through the whole application, over a scripted model.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { call, done, ScriptedModel, text, thinking } from "./scripted-model.ts";
import { ScriptedApp, textAt } from "./scripted-app.ts";

const PATH = "/v1/messages";
const BODY = { model: "scripted", max_tokens: 9, messages: [{ role: "user", content: "Say hello." }] };

async function asked(more: object, script?: ConstructorParameters<typeof ScriptedModel>[0]) {
  const model = new ScriptedModel(script);
  await using app = new ScriptedApp(model);
  return { ...(await app.json(PATH, { ...BODY, ...more })), question: model.chats[0] };
}

/** What Anthropic's types demand besides the counts. */
const MORE_USAGE = { cache_creation: null, inference_geo: null, service_tier: null, speed: null };

function deltaUsage(input_tokens: number, output_tokens: number) {
  const cached = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  return { input_tokens, output_tokens, ...cached, output_tokens_details: null, server_tool_use: null };
}

describe("a message", () => {
  test("holds thinking, text and calls as blocks", async () => {
    const { status, body } = await asked({}, [thinking("hm"), text("Hi"), call("f", { a: 1 }), done()]);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^msg_[0-9a-f]{24}$/),
      type: "message",
      role: "assistant",
      model: "scripted",
      content: [
        { type: "thinking", thinking: "hm", signature: "" },
        { type: "text", text: "Hi" },
        { type: "tool_use", id: "call_0", name: "f", input: { a: 1 } },
      ],
      container: null,
      stop_details: null,
      stop_reason: "tool_use",
      stop_sequence: null,
      diagnostics: null,
      usage: { ...deltaUsage(12, 3), ...MORE_USAGE },
    } as never);
  });

  test.each([
    [{}, done(), "end_turn", null],
    [{}, done({ reason: "length" }), "max_tokens", null],
    [{ stop_sequences: ["END"] }, done({ stopWord: "END" }), "stop_sequence", "END"],
    [{}, done({ stopWord: "<|im_end|>" }), "end_turn", null],
  ])("%j with %j stops for %s", async (more, end, stop_reason, stop_sequence) => {
    expect((await asked(more, [text("a"), end])).body).toMatchObject({ stop_reason, stop_sequence });
  });
});

describe("a stream", () => {
  test("opens one block at a time and ends with the reason and both counts", async () => {
    await using app = new ScriptedApp(
      new ScriptedModel([thinking("hm"), text("Hi"), text("!"), call("f", { a: 1 }), done()]),
    );
    const events = await app.sse(PATH, BODY);
    expect(events.map(({ data }) => data)).toEqual([
      {
        type: "message_start",
        message: {
          id: expect.stringMatching(/^msg_/),
          type: "message",
          role: "assistant",
          model: "scripted",
          content: [],
          container: null,
          stop_details: null,
          stop_reason: null,
          stop_sequence: null,
          diagnostics: null,
          usage: { ...deltaUsage(3, 0), ...MORE_USAGE },
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Hi" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "!" } },
      { type: "content_block_stop", index: 1 },
      {
        type: "content_block_start",
        index: 2,
        content_block: { type: "tool_use", id: "call_0", name: "f", input: {} },
      },
      { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: '{"a":1}' } },
      { type: "content_block_stop", index: 2 },
      {
        type: "message_delta",
        delta: { container: null, stop_details: null, stop_reason: "tool_use", stop_sequence: null },
        usage: deltaUsage(12, 3),
      },
      { type: "message_stop" },
    ] as never);
    expect(events.every(({ event, data }) => event === textAt(data["type"]))).toBe(true);
  });

  test("begins with Ollama's guess of the prompt: a quarter of the bytes of roles, texts and tools", async () => {
    await using app = new ScriptedApp();
    const tools = [{ name: "get", description: "d\u00e9", input_schema: { type: "object" }, cache_control: {} }];
    const [start] = await app.sse(PATH, { ...BODY, messages: [{ role: "user", content: "hi" }], tools });
    // 4 + 2, 3 + 3 + 17
    expect(start?.data["message"]?.["usage"]).toMatchObject({ input_tokens: 7 });
  });

  test("that breaks ends with an error event", async () => {
    await using app = new ScriptedApp(new ScriptedModel([text("a"), new AppError("internal", "it broke")]));
    const events = await app.sse(PATH, BODY);
    expect(events.at(-1)).toMatchObject({
      event: "error",
      data: { type: "error", error: { type: "api_error", message: "it broke" } },
    });
  });

  test("that cannot begin is an ordinary error", async () => {
    await using app = new ScriptedApp(new ScriptedModel([new AppError("busy", "try later")]));
    const response = await app.post(PATH, { ...BODY, stream: true });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
  });
});

describe("what a request asks for reaches the model", () => {
  test("blocks of every kind, results before the user's text and under their tool's name", async () => {
    const { question } = await asked({
      system: [
        { type: "text", text: "Be " },
        { type: "text", text: "brief." },
      ],
      messages: [
        { role: "user", content: [{ type: "text", text: "a" }, { type: "text", text: "b" }, { type: "mystery" }] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "" },
            { type: "tool_use", id: "t1", name: "f", input: { x: 1 } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "so?" },
            { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "42" }] },
            { type: "document", source: { type: "text", media_type: "text/plain", data: " (doc)" } },
          ],
        },
      ],
    });
    expect(question?.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "ab" },
      { role: "assistant", content: "", thinking: "hm", toolCalls: [{ id: "t1", name: "f", arguments: { x: 1 } }] },
      { role: "tool", content: "42", toolCallId: "t1", toolName: "f" },
      { role: "user", content: "so? (doc)" },
    ]);
  });

  test("the results of a server's tools follow the call in the same turn", async () => {
    const content = [
      { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "q" } },
      { type: "web_search_tool_result", tool_use_id: "s1", content: [] },
      { type: "text", text: "Found." },
    ];
    const { question } = await asked({
      messages: [
        { role: "assistant", content },
        { role: "user", content: "so?" },
      ],
    });
    expect(question?.messages.map(({ role }) => role)).toEqual(["assistant", "tool", "user"]);
  });

  test("sampling, and nothing that was not sent", async () => {
    expect((await asked({})).question?.options).toEqual({ num_predict: 9 });
    const more = { temperature: 0.5, top_p: 0.5, top_k: 5, stop_sequences: ["X"] };
    expect((await asked(more)).question?.options).toEqual({
      num_predict: 9,
      temperature: 0.5,
      top_p: 0.5,
      top_k: 5,
      stop: ["X"],
    });
  });

  const tools = [{ name: "f", description: "d", input_schema: { type: "object" } }];
  test.each([
    [undefined, "auto", true],
    [{ type: "any", disable_parallel_tool_use: true }, "required", false],
    [{ type: "tool", name: "f" }, { name: "f" }, true],
    [{ type: "none" }, "none", true],
  ])("tool_choice %j", async (tool_choice, toolChoice, parallelToolCalls) => {
    const { question } = await asked({ tools, tool_choice });
    expect(question).toMatchObject({ toolChoice, parallelToolCalls });
    expect(question?.tools).toEqual([
      { type: "function", function: { name: "f", description: "d", parameters: { type: "object" } } },
    ]);
  });

  test.each([
    [{ thinking: { type: "disabled" } }, { on: false }],
    [{ thinking: { type: "enabled", budget_tokens: 1024 } }, { on: true }],
    [{ output_config: { effort: "xhigh" } }, { on: true, level: "high" }],
  ])("%j", async (more, think) => {
    expect((await asked(more)).question?.think).toMatchObject(think);
  });

  test("thinking that a model cannot do is dropped", async () => {
    const model = new ScriptedModel();
    model.abilities = { ...model.abilities, thinking: false };
    await using app = new ScriptedApp(model);
    expect((await app.json(PATH, { ...BODY, thinking: { type: "enabled" } })).status).toBe(200);
    expect(model.chats[0]?.think.on).toBe(false);
  });

  test("a schema for the answer", async () => {
    const format = { type: "json_schema", schema: { type: "object" } };
    expect((await asked({ output_config: { format } })).question?.format).toEqual({
      kind: "schema",
      schema: { type: "object" },
    });
  });
});

test("count_tokens counts the rendered prompt and asks nothing", async () => {
  await using app = new ScriptedApp();
  const { body } = await app.json(`${PATH}/count_tokens`, { model: "scripted", messages: BODY.messages });
  expect(body).toEqual({ input_tokens: "<user>Say hello.".length } as never);
  expect(app.model.asked).toEqual([]);
});

const user = (block: object) => ({ messages: [{ role: "user", content: [block] }] });
test.each<[object, string]>([
  [{ model: "" }, "model is required"],
  [{ max_tokens: 0 }, "max_tokens is required and must be positive"],
  [{ max_tokens: null }, "max_tokens is required and must be positive"],
  [{ messages: [] }, "messages is required"],
  [user({ type: "tool_use", name: "f" }), "tool_use block missing required 'id' field"],
  [user({ type: "tool_use", id: "1" }), "tool_use block missing required 'name' field"],
  [user({ type: "image" }), "invalid image source"],
  [
    user({ type: "image", source: { type: "url", url: "http://x" } }),
    "invalid image source type: url. Only base64 images are supported.",
  ],
  [
    user({ type: "image", source: { type: "base64", data: "aaaa" } }),
    '"scripted" cannot be given images: this build runs text models only',
  ],
  [
    user({ type: "document", source: { type: "base64" } }),
    'document source type "base64" is not supported: only text is',
  ],
  [{ messages: [{ role: "user", content: 5 }] }, "message content must be a text or a list of blocks"],
  [
    { tools: [{ type: "web_search_20250305", name: "web_search" }] },
    'tool type "web_search_20250305" is not supported: this server does not search the web',
  ],
  [
    { tools: [{ type: "bash_20250124", name: "bash" }] },
    'tool type "bash_20250124" is not supported: only custom tools are',
  ],
  [{ tool_choice: { type: "maybe" } }, 'tool_choice: type must be "auto", "any", "tool" or "none"'],
  [{ mcp_servers: [{}] }, "mcp_servers is not supported"],
  [
    { stop_sequences: "END" },
    "json: cannot unmarshal string into Go struct field MessagesRequest.stop_sequences of type []string",
  ],
])("%j is refused in Anthropic's shape", async (more, message) => {
  const { status, body } = await asked(more);
  expect(status).toBe(400);
  expect(body).toMatchObject({
    type: "error",
    error: { type: "invalid_request_error", message },
    request_id: expect.stringMatching(/^req_[0-9a-f]{24}$/),
  });
});

test("an unknown model is a 404", async () => {
  expect(await asked({ model: "nope" })).toMatchObject({
    status: 404,
    body: { error: { type: "not_found_error", message: "model 'nope' not found" } },
  });
});
