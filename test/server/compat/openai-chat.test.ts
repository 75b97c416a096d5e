// /v1/chat/completions through the whole application, over a scripted model.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { call, done, ScriptedModel, text, thinking } from "./scripted-model.ts";
import { ScriptedApp, textAt } from "./scripted-app.ts";

const PATH = "/v1/chat/completions";
const USER = { role: "user", content: "Say hello." };
const BODY = { model: "scripted", messages: [USER] };

async function asked(more: object, script?: ConstructorParameters<typeof ScriptedModel>[0]) {
  const model = script === undefined ? new ScriptedModel() : new ScriptedModel(script);
  await using app = new ScriptedApp(model);
  const answer = await app.json(PATH, { ...BODY, ...more });
  return { ...answer, model, question: model.chats[0] };
}

async function refusal(more: object): Promise<string> {
  const { status, body } = await asked(more);
  expect(status).toBe(400);
  expect(body["error"]).toMatchObject({ type: "invalid_request_error", param: null, code: null });
  return textAt(body["error"]?.["message"]);
}

describe("an answer that is not streamed", () => {
  test("has OpenAI's shape, with the tokens that came from a cache", async () => {
    const { status, body } = await asked({});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-\d+$/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "scripted",
      system_fingerprint: "fp_ollama",
      choices: [{ index: 0, message: { role: "assistant", content: "Hello you" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 12,
        completion_tokens: 3,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 5 },
      },
    });
  });

  test("carries thinking as reasoning and calls with their arguments as text", async () => {
    const { body } = await asked({}, [thinking("hm"), call("f", { b: 1, a: "<" }), done()]);
    expect(body["choices"]).toEqual([
      {
        index: 0,
        message: {
          role: "assistant",
          content: "",
          refusal: null,
          reasoning: "hm",
          tool_calls: [
            {
              id: "call_0",
              index: 0,
              type: "function",
              function: { name: "f", arguments: String.raw`{"b":1,"a":"\u003c"}` },
            },
          ],
        },
        finish_reason: "tool_calls",
        logprobs: null,
      },
    ] as never);
  });

  test("keeps reason length even when a call was made", async () => {
    const { body } = await asked({}, [call("f", {}), done({ reason: "length" })]);
    expect(body).toMatchObject({ choices: [{ finish_reason: "length" }] });
  });

  test("brings log-probabilities with an empty list where no alternatives were asked for", async () => {
    const logprobs = [{ token: "a", logprob: -0.5, bytes: [97] }];
    const { body, question } = await asked({ logprobs: true }, [{ type: "text-delta", text: "a", logprobs }, done()]);
    expect(question?.logprobs).toBe(0);
    expect(body).toMatchObject({ choices: [{ logprobs: { content: [{ ...logprobs[0], top_logprobs: [] }] } }] });
  });

  test("gives n answers, each with its own seed, and counts the prompt once", async () => {
    const { body, model } = await asked({ n: 3, seed: 7 });
    expect(model.chats.map(({ options }) => options.seed)).toEqual([7, 8, 9]);
    expect(body).toMatchObject({
      choices: [{ index: 0 }, { index: 1 }, { index: 2 }],
      usage: { prompt_tokens: 12, completion_tokens: 9, total_tokens: 21 },
    });
  });

  test("leaves out later calls when parallel calls are not wanted", async () => {
    const { body } = await asked({ parallel_tool_calls: false }, [call("f", {}, 0), call("g", {}, 1), done()]);
    expect(body).toMatchObject({ choices: [{ message: { tool_calls: [{ function: { name: "f" } }] } }] });
    expect(JSON.stringify(body)).not.toContain('"g"');
  });

  test("shows the prompt instead of an answer for _debug_render_only", async () => {
    const { body, model } = await asked({ _debug_render_only: true });
    expect(body).toMatchObject({ _debug_info: { rendered_template: "<user>Say hello." } });
    expect(model.asked).toEqual([]);
  });
});

describe("a stream", () => {
  const stream = async (more: object, script?: ConstructorParameters<typeof ScriptedModel>[0]) => {
    await using app = new ScriptedApp(new ScriptedModel(script));
    return app.sse(PATH, { ...BODY, ...more });
  };
  const deltas = (events: Awaited<ReturnType<typeof stream>>) =>
    events.flatMap(({ data }) => (Array.isArray(data["choices"]) ? data["choices"] : [])) as unknown[];

  test("says the role once, ends with the reason on a chunk of its own and [DONE]", async () => {
    const events = await stream({});
    expect(deltas(events)).toEqual([
      { index: 0, delta: { role: "assistant", content: "Hello" }, finish_reason: null },
      { index: 0, delta: { content: " you" }, finish_reason: null },
      { index: 0, delta: {}, finish_reason: "stop" },
    ]);
    expect(events.at(-1)?.raw).toBe("[DONE]");
    const bodies = events.slice(0, -1).map(({ data }) => data);
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(1);
    expect(new Set(bodies.map(({ created }) => created)).size).toBe(1);
    expect(bodies.every(({ usage }) => usage === undefined)).toBe(true);
  });

  test("ends with a chunk of usage and no choices when that is asked for", async () => {
    const events = await stream({ stream_options: { include_usage: true } });
    expect(events.at(-2)?.data).toMatchObject({ choices: [], usage: { total_tokens: 15 } });
  });

  test("of a wholly empty answer still opens with the role", async () => {
    const [first] = deltas(await stream({}, [done()]));
    expect(first).toEqual({ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null });
  });

  test("separates thinking, text and calls", async () => {
    const events = await stream({}, [thinking("hm"), text("ok"), call("f", {}), done()]);
    expect(deltas(events)).toMatchObject([
      { delta: { role: "assistant", content: "", reasoning: "hm" } },
      { delta: { content: "ok" } },
      { delta: { tool_calls: [{ id: "call_0", index: 0, type: "function" }] } },
      { delta: {}, finish_reason: "tool_calls" },
    ]);
  });

  test("of two answers tells them apart by index and gives each a role and an end", async () => {
    const choices = deltas(await stream({ n: 2 })) as { index: number; delta: object; finish_reason: string | null }[];
    for (const index of [0, 1]) {
      const own = choices.filter((choice) => choice.index === index);
      expect(own.map(({ delta }) => delta)).toEqual([{ role: "assistant", content: "Hello" }, { content: " you" }, {}]);
    }
  });

  test("that fails before its first chunk is an ordinary error", async () => {
    await using app = new ScriptedApp(new ScriptedModel([new AppError("busy", "try later", { retryAfterSeconds: 3 })]));
    const response = await app.post(PATH, { ...BODY, stream: true });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await response.json()).toMatchObject({ error: { message: "try later", type: "api_error" } });
  });

  test("that breaks later says so in OpenAI's shape and still ends", async () => {
    const events = await stream({ n: 2 }, [text("a"), new AppError("internal", "it broke")]);
    expect(events.at(-2)?.data).toEqual({
      error: { message: "it broke", type: "api_error", param: null, code: null },
    } as never);
    expect(events.at(-1)?.raw).toBe("[DONE]");
  });

  test("is made only as fast as it is read", async () => {
    const model = new ScriptedModel([...Array.from({ length: 1000 }, () => text("x")), done()]);
    await using app = new ScriptedApp(model);
    const response = await app.post(PATH, { ...BODY, stream: true });
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
    expect(model.taken).toBeLessThan(5);
    expect((await response.text()).split("\n\n")).toHaveLength(1003);
  });

  test("whose reader leaves ends every answer", async () => {
    const model = new ScriptedModel([...Array.from({ length: 1000 }, () => text("x")), done()]);
    await using app = new ScriptedApp(model);
    const response = await app.post(PATH, { ...BODY, n: 2, stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    for (let turn = 0; turn < 50 && model.ended < 2; turn++) await Promise.resolve();
    expect(model.ended).toBe(2);
  });
});

describe("what a request asks for reaches the model", () => {
  test("sampling fields, with max_completion_tokens before max_tokens", async () => {
    const { question } = await asked({
      max_tokens: 5,
      max_completion_tokens: 9,
      temperature: 0.5,
      top_p: 0.25,
      seed: 3,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      stop: "END",
      num_ctx: 512,
      options: { top_k: 7, temperature: 2 },
      logit_bias: { "15": -100 },
    });
    expect(question?.options).toEqual({
      num_predict: 9,
      temperature: 0.5,
      top_p: 0.25,
      seed: 3,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      stop: ["END"],
      num_ctx: 512,
      top_k: 7,
    });
    expect(question?.logitBias).toEqual([[15, -100]]);
  });

  test("nothing that was not sent, so that the model's own parameters count", async () => {
    expect((await asked({})).question?.options).toEqual({});
  });

  test.each([
    [{ type: "text" }, { kind: "free" }],
    [{ type: "json_object" }, { kind: "json" }],
    [
      { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } },
      { kind: "schema", schema: { type: "object" } },
    ],
  ])("response_format %j", async (response_format, format) => {
    expect((await asked({ response_format })).question?.format).toEqual(format as never);
  });

  const tools = ["f", "g"].map((name) => ({ type: "function", function: { name, parameters: { type: "object" } } }));
  test.each([
    [undefined, "auto", 2],
    ["none", "none", 2],
    ["required", "required", 2],
    ["any", "required", 2],
    ["", "auto", 2],
    [{ type: "function", function: { name: "g" } }, { name: "g" }, 2],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "g" } }] },
      },
      "required",
      1,
    ],
  ])("tool_choice %j", async (tool_choice, choice, count) => {
    const { question } = await asked({ tools, tool_choice });
    expect(question?.toolChoice).toEqual(choice as never);
    expect(question?.tools).toHaveLength(count);
  });

  test.each([
    ["none", { on: false }],
    ["minimal", { on: true, level: "low" }],
    ["xhigh", { on: true, level: "max" }],
  ])("reasoning_effort %s", async (reasoning_effort, think) => {
    expect((await asked({ reasoning_effort })).question?.think).toMatchObject(think);
  });

  test("messages: parts stay together, developers speak as system, results carry their tool's name", async () => {
    const { question } = await asked({
      messages: [
        { role: "developer", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
        {
          role: "assistant",
          content: null,
          reasoning: "hm",
          tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"x":1}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "42" }] },
      ],
    });
    expect(question?.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "a\nb" },
      { role: "assistant", content: "", thinking: "hm", toolCalls: [{ id: "c1", name: "f", arguments: { x: 1 } }] },
      { role: "tool", content: "42", toolName: "f", toolCallId: "c1" },
    ]);
  });

  test("field names in any letter case, and null as absent", async () => {
    expect((await asked({ MAX_TOKENS: 4, temperature: null, tools: null })).question?.options).toEqual({
      num_predict: 4,
    });
  });
});

describe("what cannot be honoured is a 400 that says so", () => {
  const part = (value: unknown) => ({ messages: [{ role: "user", content: [value] }] });
  test.each<[object, string]>([
    [{ messages: [] }, "[] is too short - 'messages'"],
    [{ messages: [{ role: "user" }] }, "invalid message content type: <nil>"],
    [{ messages: [{ role: "user", content: 5 }] }, "invalid message content type: float64"],
    [part({ type: "video" }), "invalid message format"],
    [part("x"), "invalid message format"],
    [
      part({ type: "image_url", image_url: { url: "http://x/y.png" } }),
      "image URLs are not currently supported, please use base64 encoded data instead",
    ],
    [part({ type: "image_url", image_url: { url: "data:text/plain;base64,aaaa" } }), "invalid image input"],
    [
      part({ type: "image_url", image_url: "data:image/png;base64,aaaa" }),
      '"scripted" cannot be given images: this build runs text models only',
    ],
    [part({ type: "input_audio", input_audio: {} }), "invalid input_audio format: missing data"],
    [
      { messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: "[" } }] }] },
      "invalid tool call arguments",
    ],
    [{ n: -1 }, "n must be between 1 and 16"],
    [{ n: 17 }, "n must be between 1 and 16"],
    [{ stop: ["a", 1] }, "invalid type for 'stop' field: float64"],
    [{ logit_bias: { x: 1 } }, 'logit_bias: "x" is no token id'],
    [{ logit_bias: { "1": 101 } }, "logit_bias: the bias of token 1 must be a number between -100 and 100"],
    [{ top_logprobs: 21 }, "top_logprobs must be between 0 and 20"],
    [{ response_format: { type: "xml" } }, 'response_format: unknown type "xml"'],
    [{ functions: [{}] }, "functions is not supported: use tools"],
    [{ modalities: ["text", "audio"] }, 'answers in audio are not supported: modalities can only be ["text"]'],
    [{ options: { temperature: "hot" } }, 'option "temperature" must be of type float32'],
    [
      { max_tokens: "5" },
      "json: cannot unmarshal string into Go struct field ChatCompletionRequest.max_tokens of type int",
    ],
    [
      { reasoning_effort: "much" },
      'invalid reasoning value: "much" (must be "minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none")',
    ],
    [{ model: "" }, "model is required"],
    [{ model: "../../x" }, "invalid model name"],
  ])("%j", async (more, message) => {
    expect(await refusal(more)).toBe(message);
  });

  test("an unknown model is a 404, a cloud model a 403", async () => {
    expect(await asked({ model: "nope" })).toMatchObject({
      status: 404,
      body: { error: { message: "model 'nope' not found", type: "not_found_error" } },
    });
    expect(await asked({ model: "big:cloud" })).toMatchObject({
      status: 403,
      body: { error: { message: "ollama cloud is disabled: remote model is unavailable", type: "api_error" } },
    });
  });

  test("tools for a model that has none", async () => {
    const model = new ScriptedModel();
    model.abilities = { ...model.abilities, tools: false };
    await using app = new ScriptedApp(model);
    const { body } = await app.json(PATH, { ...BODY, tools: [{ type: "function", function: { name: "f" } }] });
    expect(body["error"]?.["message"]).toBe(
      "registry.ollama.ai/library/scripted:latest does not support tools" as never,
    );
  });
});
