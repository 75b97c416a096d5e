// /v1/responses through the whole application, over a scripted model.

import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { AppError } from "../../../src/base/errors.ts";
import { emptyResponse } from "../../../src/server/compat/openai/response-object.ts";
import { ResponseStore } from "../../../src/server/compat/openai/response-store.ts";
import { call, done, ScriptedModel, text, thinking } from "./scripted-model.ts";
import { ScriptedApp, textAt } from "./scripted-app.ts";

const PATH = "/v1/responses";

async function asked(body: object, script?: ConstructorParameters<typeof ScriptedModel>[0]) {
  const model = new ScriptedModel(script);
  await using app = new ScriptedApp(model);
  return { ...(await app.json(PATH, { model: "scripted", input: "Say hi", ...body })), question: model.chats[0] };
}

describe("a response", () => {
  test("holds its items in the order in which they came, and echoes the request", async () => {
    const script = [thinking("hm"), text("Hi"), call("f", { a: 1 }), done()];
    const { body } = await asked({ temperature: 0, instructions: "Be brief.", metadata: { k: "v" } }, script);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^resp_\d+$/),
      object: "response",
      status: "completed",
      completed_at: expect.any(Number),
      instructions: "Be brief.",
      temperature: 0,
      metadata: { k: "v" },
      output: [
        { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "hm" },
        {
          type: "message",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }],
        },
        { type: "function_call", status: "completed", call_id: "call_0", name: "f", arguments: '{"a":1}' },
      ],
      usage: { input_tokens: 12, output_tokens: 3, total_tokens: 15, input_tokens_details: { cached_tokens: 5 } },
    });
  });

  test("that was cut is incomplete and says why", async () => {
    const { body } = await asked({}, [text("a"), done({ reason: "length" })]);
    expect(body).toMatchObject({
      status: "incomplete",
      completed_at: null,
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ type: "message", status: "incomplete" }],
    });
  });

  test("that was cut behind a call leaves the call as it is", async () => {
    const { body } = await asked({}, [call("f", {}), text("a"), done({ reason: "length" })]);
    expect(body).toMatchObject({ output: [{ status: "completed" }, { status: "incomplete" }] });
  });

  test("of nothing is still a message", async () => {
    const { body } = await asked({}, [done()]);
    expect(body).toMatchObject({ output: [{ type: "message", content: [{ text: "" }] }] });
  });

  test("brings log-probabilities when they are included", async () => {
    const logprobs = [{ token: "a", logprob: -1, bytes: [97] }];
    const include = ["message.output_text.logprobs"];
    const { body, question } = await asked({ include, top_logprobs: 2 }, [
      { type: "text-delta", text: "a", logprobs },
      done(),
    ]);
    expect(question?.logprobs).toBe(2);
    expect(body).toMatchObject({ output: [{ content: [{ logprobs: [{ token: "a", top_logprobs: [] }] }] }] });
  });
});

test("functions are echoed with everything that OpenAI's type has", async () => {
  await using app = new ScriptedApp();
  const tools = [{ type: "function", name: "f", strict: null }, { type: "web_search" }];
  const { body } = await app.json(PATH, { model: "scripted", input: "x", tools });
  expect(body["tools"]).toEqual([
    { type: "function", name: "f", description: null, strict: null, parameters: null },
    { type: "web_search" },
  ] as never);
});

describe("a stream", () => {
  const stream = async (script: ConstructorParameters<typeof ScriptedModel>[0]) => {
    await using app = new ScriptedApp(new ScriptedModel(script));
    return app.sse(PATH, { model: "scripted", input: "x" });
  };

  test("opens and closes one item after the other, numbering its events", async () => {
    const events = await stream([thinking("hm"), text("Hi"), text("!"), call("f", {}), done()]);
    expect(events.map(({ event }) => event?.replace("response.", ""))).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "reasoning_summary_part.added",
      "reasoning_summary_text.delta",
      "reasoning_summary_text.done",
      "reasoning_summary_part.done",
      "output_item.done",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "output_item.added",
      "function_call_arguments.delta",
      "function_call_arguments.done",
      "output_item.done",
      "completed",
    ]);
    expect(events.map(({ data }) => Number(data["sequence_number"]))).toEqual(events.map((_, index) => index));
    expect(events.every(({ event, data }) => textAt(data["type"]) === event)).toBe(true);
    const indexes = events.flatMap(({ data }) =>
      data["output_index"] === undefined ? [] : [Number(data["output_index"])],
    );
    expect(indexes).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(events[0]?.data).toMatchObject({ response: { status: "in_progress", output: [] } });
    expect(events.at(-1)?.data["response"]?.["output"]).toHaveLength(3);
  });

  test("is one that OpenAI's own client puts together, thinking and calls included", async () => {
    await using app = new ScriptedApp(
      new ScriptedModel([thinking("h"), thinking("m"), text("Hi"), call("f", {}), done()]),
    );
    const fetch = async (url: unknown, init?: RequestInit) => app.fetch(new URL(String(url)).pathname, init);
    const client = new OpenAI({ baseURL: "http://localhost/v1", apiKey: "none", maxRetries: 0, fetch });
    const run = client.responses.stream({ model: "scripted", input: "x" });
    const names: string[] = [];
    run.on("response.function_call_arguments.done", ({ name }) => names.push(name));
    const { output, output_text } = await run.finalResponse();
    expect(output.map(({ type }) => type)).toEqual(["reasoning", "message", "function_call"]);
    expect(output[0]).toMatchObject({ summary: [{ type: "summary_text", text: "hm" }] });
    expect([output_text, names]).toEqual(["Hi", ["f"]]);
  });

  test("of reasoning alone has a message all the same", async () => {
    const events = await stream([thinking("hm"), done()]);
    const added = events.filter(({ event }) => event === "response.output_item.added");
    expect(added.map(({ data }) => data["item"]?.["type"])).toEqual(["reasoning", "message"] as never);
    expect(events.at(-1)?.data["response"]?.["output"]?.[1]).toMatchObject({
      content: [{ type: "output_text", text: "" }],
    });
  });

  test("is not to be cached, as Ollama says", async () => {
    await using app = new ScriptedApp();
    const response = await app.post(PATH, { model: "scripted", input: "x", stream: true });
    expect(response.headers.get("cache-control")).toBe("no-cache");
    await response.text();
  });

  test("that breaks ends with response.failed", async () => {
    const events = await stream([text("a"), new AppError("internal", "it broke")]);
    expect(events.at(-1)).toMatchObject({
      event: "response.failed",
      data: { response: { status: "failed", error: { code: "server_error", message: "it broke" } } },
    });
  });
});

describe("what a request asks for reaches the model", () => {
  test("input items become one conversation", async () => {
    const { question } = await asked({
      instructions: "Be brief.",
      input: [
        { role: "developer", content: "D" },
        {
          type: "message",
          role: "user",
          content: [
            { type: "input_text", text: "a" },
            { type: "input_text", text: "b" },
          ],
        },
        { type: "reasoning", encrypted_content: "hm", summary: [] },
        { type: "function_call", call_id: "c1", name: "f", arguments: '{"x":1}' },
        { role: "assistant", content: [{ type: "output_text", text: "calling" }] },
        { type: "function_call_output", call_id: "c1", output: "42" },
        { type: "web_search_call", id: "w" },
        { role: "user", content: "go on" },
      ],
    });
    expect(question?.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "system", content: "D" },
      { role: "user", content: "ab" },
      {
        role: "assistant",
        content: "calling",
        thinking: "hm",
        toolCalls: [{ id: "c1", name: "f", arguments: { x: 1 } }],
      },
      { role: "tool", content: "42", toolCallId: "c1", toolName: "f" },
      { role: "user", content: "go on" },
    ]);
  });

  test("functions, members of namespaces, and web search left out", async () => {
    const { question } = await asked({
      tools: [
        { type: "function", name: "f", parameters: { type: "object" }, description: null },
        { type: "namespace", name: "ns", tools: [{ type: "function", name: "g" }] },
        { type: "web_search" },
      ],
      tool_choice: { type: "function", name: "f" },
    });
    expect(question?.tools.map((tool) => tool.function.name)).toEqual(["f", "ns.g"]);
    expect(question?.toolChoice).toEqual({ name: "f" });
  });

  test("limits, format and truncation", async () => {
    const { question } = await asked({
      max_output_tokens: 7,
      truncation: "disabled",
      text: { format: { type: "json_schema", name: "x", schema: { type: "object" } } },
    });
    expect(question).toMatchObject({
      options: { num_predict: 7 },
      truncate: false,
      format: { kind: "schema", schema: { type: "object" } },
    });
  });
});

describe("a conversation that the server remembers", () => {
  test("goes on from previous_response_id, without the earlier instructions", async () => {
    const model = new ScriptedModel([thinking("hm"), text("Hi"), done()]);
    await using app = new ScriptedApp(model);
    const first = await app.json(PATH, { model: "scripted", input: "one", instructions: "once" });
    const id = textAt(first.body["id"]);
    await app.json(PATH, { model: "scripted", input: "two", previous_response_id: id });
    expect(model.chats[1]?.messages).toEqual([
      { role: "user", content: "one" },
      { role: "assistant", content: "Hi", thinking: "hm" },
      { role: "user", content: "two" },
    ]);
    const kept = await app.fetch(`${PATH}/${id}`);
    expect(await kept.json()).toEqual(first.body);
    expect((await app.fetch(`${PATH}/${id}`, { method: "DELETE" })).status).toBe(200);
    expect((await app.fetch(`${PATH}/${id}`)).status).toBe(404);
  });

  test("is not kept with store: false", async () => {
    await using app = new ScriptedApp();
    const { body } = await app.json(PATH, { model: "scripted", input: "one", store: false });
    const again = await app.json(PATH, { model: "scripted", input: "two", previous_response_id: body["id"] });
    expect(again).toMatchObject({
      status: 400,
      body: { error: { message: `Previous response with id '${textAt(body["id"])}' not found.` } },
    });
  });

  test("is kept for an hour, and the oldest leave when there are too many", () => {
    let nowMs = 0;
    const store = new ResponseStore(() => nowMs);
    const put = (id: string, content = "x") =>
      store.put("key", { response: emptyResponse(id, {}), conversation: [{ role: "user", content }] });
    put("a");
    nowMs = 59 * 60_000;
    expect(store.get("key", "a")?.response.id).toBe("a");
    nowMs = 61 * 60_000;
    expect(store.get("key", "a")).toBeUndefined();
    for (let count = 0; count <= 1000; count++) put(`r${count}`);
    expect(store.get("key", "r0")).toBeUndefined();
    expect(store.get("key", "r1")).toBeDefined();
    put("big", "x".repeat(20 * 1024 * 1024));
    put("bigger", "x".repeat(20 * 1024 * 1024));
    expect(store.get("key", "big")).toBeUndefined();
    expect(store.get("key", "bigger")).toBeDefined();
  });

  test("is there for the key that asked for it alone", () => {
    const store = new ResponseStore();
    store.put("key", { response: emptyResponse("a", {}), conversation: [] });
    for (const other of ["other", ""]) {
      expect(store.get(other, "a")).toBeUndefined();
      store.delete(other, "a");
    }
    expect(store.get("key", "a")).toBeDefined();
    store.delete("key", "a");
    expect(store.get("key", "a")).toBeUndefined();
  });
});

test.each<[object, string]>([
  [{ input: [{ type: "widget" }] }, 'input[0]: unknown input item type: "widget"'],
  [{ input: [{}] }, "input[0]: input item missing required 'type' field"],
  [{ input: 5 }, "input must be a string or array"],
  [{ input: "" }, "input is required"],
  [
    { input: [{ role: "user", content: [{ type: "input_file" }] }] },
    "input[0]: content[0]: file inputs are not currently supported",
  ],
  [{ input: [{ role: "user", content: [{ type: "x" }] }] }, "input[0]: content[0]: unknown content type: x"],
  [{ input: [{ type: "function_call", arguments: "{" }] }, "input[0]: failed to parse function call arguments"],
  [{ tools: [{ type: "code_interpreter" }] }, 'tool type "code_interpreter" is not supported: only functions are'],
  [{ background: true }, "background responses are not supported"],
  [{ conversation: "c" }, "conversation is not supported: use previous_response_id"],
  [{ truncation: "some" }, 'truncation must be "auto" or "disabled"'],
  [{ text: { format: { type: "xml" } } }, 'text.format: unknown type "xml"'],
])("%j is refused", async (body, message) => {
  expect(await asked(body)).toMatchObject({ status: 400, body: { error: { message, type: "invalid_request_error" } } });
});
