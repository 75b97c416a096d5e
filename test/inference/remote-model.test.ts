// What is sent to an engine elsewhere, and what becomes of its answer: the fake engine remembers the one and says the other.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { delta, FakeEngine, sse, stopped, usage } from "../support/fake-engine.ts";
import { type RemoteApp, remoteApp } from "./remote-app.ts";

const CHAT = "/v1/chat/completions";
let engine: FakeEngine;
let app: RemoteApp;

beforeEach(async () => {
  engine = new FakeEngine();
  app = await remoteApp();
  await app.allow({ origin: engine.origin, key: "sk-secret" });
  await app.create(engine.baseUrl, { system: "Be short.", parameters: { temperature: 0.2, top_k: 5 } });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

async function json(path: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const response = await app.post(path, { model: "m", stream: false, ...body });
  const value = (await response.json()) as Record<string, unknown>;
  expect([response.status, value["error"]]).toEqual([200, undefined]);
  return value;
}

test("log-probabilities of a plain completion come in either form that engines write", async () => {
  const asChat = {
    content: [{ token: "a", logprob: -0.5, bytes: [97], top_logprobs: [{ token: "b", logprob: -1, bytes: [98] }] }],
  };
  const columns = { tokens: ["a"], token_logprobs: [-0.5], top_logprobs: [{ b: -1 }] };
  for (const logprobs of [asChat, columns]) {
    engine.on("/v1/completions", () => sse({ choices: [{ text: "a", finish_reason: "stop", logprobs }] }));
    const body = { prompt: "x", raw: true, logprobs: true, top_logprobs: 1 };
    expect((await json("/api/generate", body))["logprobs"]).toEqual([
      { token: "a", logprob: -0.5, bytes: [97], top_logprobs: [{ token: "b", logprob: -1, bytes: [98] }] },
    ]);
  }
});

const hi = [{ role: "user", content: "Hi" }];
const tool = {
  type: "function",
  function: { name: "add", description: "", parameters: { type: "object", properties: { a: { type: "integer" } } } },
};

test("SYSTEM and PARAMETERs go along, the request's options win, and the key is in the header only", async () => {
  const answer = await json("/api/chat", {
    messages: hi,
    options: { temperature: 0.9, num_predict: 12, repeat_penalty: 1.1 },
  });
  expect(answer).toMatchObject({
    model: "m",
    remote_model: "big",
    message: { role: "assistant", content: "Hello there" },
    done_reason: "stop",
    prompt_eval_count: 7,
    eval_count: 2,
    prompt_cached_count: 3,
  });
  const asked = engine.asked.find(({ path }) => path === CHAT);
  expect(asked?.body).toEqual({
    model: "big",
    messages: [
      { role: "system", content: "Be short." },
      { role: "user", content: "Hi" },
    ],
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0.9,
    top_k: 5,
    max_tokens: 12,
    repetition_penalty: 1.1,
  });
  expect(asked?.headers.get("authorization")).toBe("Bearer sk-secret");
});

test("thinking is told apart, and asked for in the words of the engine", async () => {
  engine.on(CHAT, () => sse(delta({ reasoning_content: "Hmm." }), delta({ content: "Yes" }), stopped()));
  expect(await json("/api/chat", { messages: hi })).toMatchObject({ message: { content: "Yes", thinking: "Hmm." } });
  expect(engine.lastBody(CHAT)).not.toHaveProperty("chat_template_kwargs");
  await json("/api/chat", { messages: hi, think: false });
  expect(engine.lastBody(CHAT)).toMatchObject({ chat_template_kwargs: { enable_thinking: false } });
  await json("/api/chat", { messages: hi, think: "high" });
  expect(engine.lastBody(CHAT)).toMatchObject({
    chat_template_kwargs: { enable_thinking: true },
    reasoning_effort: "high",
  });
});

test("calls that come in pieces are put together; results keep their calls", async () => {
  engine.on(CHAT, () =>
    sse(
      delta({ tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "add", arguments: "" } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: "1}" } }] }),
      delta({ tool_calls: [{ index: 1, id: "c2", function: { name: "add", arguments: '{"a":2}' } }] }),
      stopped("tool_calls"),
      usage(),
    ),
  );
  const messages = [
    ...hi,
    { role: "assistant", content: "", tool_calls: [{ function: { name: "add", arguments: { a: 9 } } }] },
    { role: "tool", tool_name: "add", content: "9" },
  ];
  const answer = await json("/api/chat", { messages, tools: [tool], tool_choice: "required" });
  expect(answer["message"]).toEqual({
    role: "assistant",
    content: "",
    tool_calls: [
      { id: "c1", function: { index: 0, name: "add", arguments: { a: 1 } } },
      { id: "c2", function: { index: 1, name: "add", arguments: { a: 2 } } },
    ],
  });
  const body = engine.lastBody(CHAT);
  expect(body).toMatchObject({ tool_choice: "required", tools: [tool] });
  expect(body?.["messages"]).toMatchObject([
    { role: "system" },
    { role: "user" },
    {
      role: "assistant",
      tool_calls: [{ id: "call_0", type: "function", function: { name: "add", arguments: '{"a":9}' } }],
    },
    { role: "tool", tool_call_id: "call_0", content: "9" },
  ]);
});

test("a call that cannot be read comes as text", async () => {
  engine.on(CHAT, () =>
    sse(delta({ tool_calls: [{ index: 0, function: { name: "add", arguments: "{a" } }] }), stopped()),
  );
  expect(await json("/api/chat", { messages: hi, tools: [tool] })).toMatchObject({ message: { content: "add{a" } });
});

test("formats are the engine's to hold; a grammar where it knows one, a refusal where not", async () => {
  const schema = { type: "object", properties: { a: { type: "integer" } } };
  await json("/api/chat", { messages: hi, format: schema });
  expect(engine.lastBody(CHAT)).toMatchObject({ response_format: { type: "json_schema", json_schema: { schema } } });
  await json("/api/chat", { messages: hi, grammar: 'root ::= "a"' });
  expect(engine.lastBody(CHAT)).toMatchObject({ structured_outputs: { grammar: 'root ::= "a"' } });
  const other = new FakeEngine({ owner: "somebody" });
  try {
    await app.allow({ origin: other.origin });
    await app.create(other.baseUrl);
    const refused = await app.post("/api/chat", { model: "m", messages: hi, grammar: 'root ::= "a"', stream: false });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: "the engine that serves this model takes no grammar; use a JSON schema (format)" },
    ]);
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test("log-probabilities, a stop word and a cut answer come through", async () => {
  const logprobs = {
    content: [
      { token: "Ha", logprob: -0.5, bytes: null, top_logprobs: [{ token: "Ho", logprob: -1, bytes: [72, 111] }] },
    ],
  };
  engine.on(CHAT, () => sse(delta({ content: "Ha" }, { logprobs }), stopped("length")));
  const answer = await json("/api/chat", { messages: hi, logprobs: true, top_logprobs: 1 });
  expect(answer["done_reason"]).toBe("length");
  expect(answer["logprobs"]).toEqual([
    { token: "Ha", logprob: -0.5, bytes: [72, 97], top_logprobs: [{ token: "Ho", logprob: -1, bytes: [72, 111] }] },
  ]);
  expect(engine.lastBody(CHAT)).toMatchObject({ logprobs: true, top_logprobs: 1 });
  engine.on(CHAT, () =>
    sse(delta({ content: "A" }), { choices: [{ delta: {}, finish_reason: "stop", stop_reason: "END" }] }),
  );
  expect(await json("/v1/messages", { messages: hi, max_tokens: 5, stop_sequences: ["END"] })).toMatchObject({
    stop_reason: "stop_sequence",
    stop_sequence: "END",
  });
});

test("an engine that does not stream is understood all the same", async () => {
  engine.on(CHAT, () =>
    Response.json({
      choices: [{ message: { content: "Whole" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    }),
  );
  expect(await json("/api/chat", { messages: hi })).toMatchObject({ message: { content: "Whole" }, eval_count: 1 });
});

test("a model with a TEMPLATE is rendered here and its calls are read here", async () => {
  const template =
    '{{ range .Messages }}[{{ .Role }}]{{ .Content }}{{ if .ToolCalls }}<tool_call>{{ range .ToolCalls }}{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}{{ end }}</tool_call>{{ end }}{{ end }}{{ if .Tools }}{{ end }}';
  await app.create(engine.baseUrl, { template, system: "S." });
  engine.on("/v1/completions", () =>
    sse(
      { choices: [{ text: '<tool_call>{"name": "add", "arguments"' }] },
      { choices: [{ text: ': {"a": 4}}</tool_call>', finish_reason: "stop" }] },
    ),
  );
  expect(await json("/api/chat", { messages: hi, tools: [tool] })).toMatchObject({
    message: { tool_calls: [{ function: { name: "add", arguments: { a: 4 } } }] },
  });
  expect(engine.lastBody("/v1/completions")).toMatchObject({
    prompt: "[system]S.[user]Hi",
    model: "big",
    stream: true,
  });
});

test("raw prompts go as they are; other prompts become a conversation", async () => {
  expect(await json("/api/generate", { prompt: "Once", raw: true })).toMatchObject({ response: "plain" });
  expect(engine.lastBody("/v1/completions")).toMatchObject({ prompt: "Once" });
  expect(await json("/api/generate", { prompt: "Hi", system: "Other." })).toMatchObject({ response: "Hello there" });
  expect(engine.lastBody(CHAT)?.["messages"]).toEqual([
    { role: "system", content: "Other." },
    { role: "user", content: "Hi" },
  ]);
});

test("embeddings, tokens and the count of a conversation", async () => {
  expect(await json("/api/embed", { input: ["x"] })).toMatchObject({ embeddings: [[0.6, 0.8]], prompt_eval_count: 2 });
  expect(await json("/api/tokenize", { text: "x" })).toMatchObject({ tokens: [1, 2, 3] });
  expect(await json("/v1/messages/count_tokens", { messages: hi })).toEqual({ input_tokens: 3 });
  engine.on("/v1/embeddings", () => Response.json({ data: [] }));
  const wrong = await app.post("/api/embed", { model: "m", input: ["x"] });
  expect([wrong.status, await wrong.json()]).toEqual([
    502,
    { error: `${engine.baseUrl} sent 0 embeddings for 1 texts` },
  ]);
});

test("show and list work while the engine is down, and tell neither key nor guess", async () => {
  await engine[Symbol.asyncDispose]();
  const shown = await json("/api/show", {});
  expect(shown).toMatchObject({
    remote_model: "big",
    remote_host: engine.baseUrl,
    capabilities: ["completion", "tools"],
    system: "Be short.",
  });
  expect(shown["modelfile"]).toContain(`FROM ${engine.baseUrl}\nREMOTE_MODEL big\n`);
  expect(JSON.stringify(shown)).not.toContain("sk-secret");
  const list = (await (await app.fetch("/api/tags")).json()) as { models: unknown[] };
  expect(list.models).toMatchObject([{ name: "m:latest", remote_model: "big", remote_host: engine.baseUrl }]);
});

test("ps lists a model after its first request, and says when its engine is down", async () => {
  const running = async () => ((await (await app.fetch("/api/ps")).json()) as { models: unknown[] }).models;
  expect(await running()).toEqual([]);
  await json("/api/chat", { messages: hi });
  expect(await running()).toMatchObject([
    { name: "m:latest", remote_host: engine.baseUrl, context_length: 4096, size: 0 },
  ]);
  expect(JSON.stringify(await running())).not.toContain("remote_failure");
});

test("another Ollama is asked in its own language", async () => {
  const ollama = new FakeEngine();
  try {
    ollama.on("/api/version", () => Response.json({ version: "0.30.0" }));
    ollama.on("/api/show", () =>
      Response.json({ capabilities: ["completion"], model_info: { "llama.context_length": 99 } }),
    );
    ollama.on(
      "/api/chat",
      () =>
        new Response(
          '{"message":{"content":"Na"}}\n{"message":{"content":"ja"},"done":true,"done_reason":"length","eval_count":2}\n',
        ),
    );
    await app.allow({ origin: ollama.origin });
    await app.create(ollama.origin, { parameters: { top_k: 3 } });
    expect(await json("/api/chat", { messages: hi })).toMatchObject({
      message: { content: "Naja" },
      done_reason: "length",
      eval_count: 2,
    });
    expect(ollama.lastBody("/api/chat")).toMatchObject({ model: "big", options: { top_k: 3 }, messages: hi });
    const refused = await app.post("/api/chat", { model: "m", messages: hi, tools: [tool], stream: false });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: "registry.ollama.ai/library/m:latest does not support tools" },
    ]);
  } finally {
    await ollama[Symbol.asyncDispose]();
  }
});
