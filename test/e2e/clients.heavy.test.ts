// Conversations that real clients hold with the program: they build the requests and read the answers, so what they accept is what
// their users can use.

import Anthropic from "@anthropic-ai/sdk";
import { ChatOllama, OllamaEmbeddings } from "@langchain/ollama";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { smallModelName as model } from "../../scripts/small-model.mjs";
import { familyTemplates } from "../chat/go-template/family-templates.ts";
import type { TestServer } from "../support/server.ts";
import { smallModelServer } from "./small-model-server.ts";

const LIMIT_MS = 60_000;
const messages = [{ role: "user" as const, content: "Say hello." }];
/** What the model says to that, greedily, in 8 tokens. */
const HELLO = "I'm so glad you're here.";

/** Its Go template names the tag of its calls. */
const QWEN = "library/qwen2.5:0.5b";

let server: TestServer;
let ollama: Ollama;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  server = await smallModelServer();
  ollama = new Ollama({ host: server.baseUrl });
  openai = new OpenAI({ baseURL: `${server.baseUrl}/v1`, apiKey: "none", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: server.baseUrl, apiKey: "none", maxRetries: 0 });
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function rejection(promise: Promise<unknown>): Promise<{ readonly status?: number; readonly message: string }> {
  const error: unknown = await promise.then(
    () => new Error("it was answered"),
    (reason: unknown) => reason,
  );
  return error as Error & { status?: number };
}

describe("npm ollama", () => {
  const options = { temperature: 0, num_predict: 8 };

  test(
    "chats, streamed and not",
    async () => {
      const whole = await ollama.chat({ model, messages, options });
      expect(whole.message).toEqual({ role: "assistant", content: HELLO });
      expect(whole).toMatchObject({ done: true, done_reason: "length", eval_count: 8 });
      let text = "";
      let last: { done: boolean } = { done: false };
      for await (const chunk of await ollama.chat({ model, messages, options, stream: true })) {
        text += chunk.message.content;
        last = chunk;
      }
      expect([text, last.done]).toEqual([HELLO, true]);
    },
    LIMIT_MS,
  );

  test(
    "generates, follows a schema, lists, shows and embeds",
    async () => {
      const format = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
      const { response } = await ollama.generate({ model, prompt: "Is it?", format, options: { temperature: 0 } });
      expect(JSON.parse(response ?? "")).toEqual({ ok: expect.any(Boolean) });
      expect((await ollama.list()).models.some(({ name }) => name === model)).toBe(true);
      expect((await ollama.show({ model })).details.family).toBe("llama");
      const { embeddings } = await ollama.embed({ model, input: ["a", "b"] });
      expect(embeddings.map(({ length }) => length)).toEqual([576, 576]);
    },
    LIMIT_MS,
  );

  test("throws the server's own words", async () => {
    expect((await rejection(ollama.chat({ model: "nope", messages }))).message).toBe("model 'nope' not found");
  });

  test(
    "can stop a stream, and the next request is answered",
    async () => {
      const stream = await ollama.chat({ model, messages, options: { num_predict: -1 }, stream: true });
      const failure = rejection(
        (async () => {
          for await (const chunk of stream) if (chunk.message.content !== "") stream.abort();
        })(),
      );
      expect((await failure).message).toContain("abort");
      expect((await ollama.chat({ model, messages, options })).message.content).toBe(HELLO);
    },
    LIMIT_MS,
  );
});

describe("npm openai", () => {
  const greedy = { temperature: 0, max_completion_tokens: 8 };

  test(
    "completes a chat, streamed and not, with usage",
    async () => {
      const whole = await openai.chat.completions.create({ model, messages, ...greedy });
      expect(whole.choices[0]).toMatchObject({ message: { content: HELLO }, finish_reason: "length" });
      expect(whole.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 8, total_tokens: 20 });
      const stream = await openai.chat.completions.create({
        model,
        messages,
        ...greedy,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = "";
      let total = 0;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        total += chunk.usage?.total_tokens ?? 0;
      }
      expect([text, total]).toEqual([HELLO, 20]);
    },
    LIMIT_MS,
  );

  test(
    "gets several answers, log-probabilities and JSON that follows a schema",
    async () => {
      const several = await openai.chat.completions.create({
        model,
        messages,
        ...greedy,
        n: 2,
        seed: 1,
        logprobs: true,
        top_logprobs: 2,
      });
      expect(several.choices.map(({ index, message }) => [index, message.content])).toEqual([
        [0, HELLO],
        [1, HELLO],
      ]);
      const first = several.choices[0]?.logprobs?.content?.[0];
      expect(first?.token).toBe("I");
      expect(first?.top_logprobs).toHaveLength(2);
      const schema = { type: "object", properties: { mood: { enum: ["good", "bad"] } }, required: ["mood"] };
      const shaped = await openai.chat.completions.create({
        model,
        messages,
        temperature: 0,
        max_tokens: 60,
        response_format: { type: "json_schema", json_schema: { name: "m", schema } },
      });
      expect(JSON.parse(shaped.choices[0]?.message.content ?? "")).toEqual({
        mood: expect.stringMatching(/^(good|bad)$/),
      });
    },
    LIMIT_MS,
  );

  test(
    "completes text, embeds in the base64 it asks for by itself, and lists models",
    async () => {
      const completion = await openai.completions.create({
        model,
        prompt: "The sky is",
        temperature: 0,
        max_tokens: 4,
      });
      expect(completion.choices[0]?.text).toBe("The sky is a");
      const { data, usage } = await openai.embeddings.create({ model, input: ["a", "b"] });
      expect(data.map(({ embedding }) => embedding.length)).toEqual([576, 576]);
      const length = Math.hypot(...(data[0]?.embedding ?? []));
      expect(length).toBeCloseTo(1, 5);
      expect(usage.prompt_tokens).toBeGreaterThan(0);
      const names: string[] = [];
      for await (const each of openai.models.list()) names.push(each.id);
      expect(names).toEqual([model]);
      expect((await openai.models.retrieve(model)).owned_by).toBe("library");
    },
    LIMIT_MS,
  );

  test(
    "holds a conversation of responses, and streams one",
    async () => {
      const limits = { temperature: 0, max_output_tokens: 8 };
      const first = await openai.responses.create({ model, input: "Say hello.", ...limits });
      expect(first.output_text).toBe(HELLO);
      expect(first.status).toBe("incomplete");
      const second = await openai.responses.create({
        model,
        input: "Again",
        previous_response_id: first.id,
        ...limits,
      });
      expect(second.usage?.input_tokens).toBeGreaterThan(12);
      const types: string[] = [];
      for await (const event of await openai.responses.create({
        model,
        input: "Say hello.",
        stream: true,
        ...limits,
      })) {
        if (event.type !== types.at(-1)) types.push(event.type);
      }
      expect(types[0]).toBe("response.created");
      expect(types.at(-1)).toBe("response.incomplete");
    },
    LIMIT_MS,
  );

  test(
    "holds a model with a Go template to the call it asks for, streamed and not, and reads an answer into a schema",
    async () => {
      const template = familyTemplates().find((each) => each.model === QWEN)?.template ?? "";
      await ollama.create({ model: "with-tools", from: model, template });
      const parameters = { type: "object", properties: { city: { enum: ["Oslo", "Rome"] } }, required: ["city"] };
      const tools = [{ type: "function" as const, function: { name: "get_weather", parameters } }];
      const question = { model: "with-tools", messages, temperature: 0, max_tokens: 60, tools };
      const named = { type: "function" as const, function: { name: "get_weather" } };
      const whole = await openai.chat.completions.create({ ...question, tool_choice: "required" });
      const streamed = await openai.chat.completions.stream({ ...question, tool_choice: named }).finalChatCompletion();
      for (const { choices } of [whole, streamed]) {
        expect(choices[0]?.finish_reason).toBe("tool_calls");
        const called = choices[0]?.message.tool_calls?.[0];
        const given = called?.type === "function" ? called.function : undefined;
        expect([given?.name, JSON.parse(given?.arguments ?? "")]).toEqual([
          "get_weather",
          { city: expect.stringMatching(/^(Oslo|Rome)$/) },
        ]);
      }
      const format = { type: "json_schema" as const, name: "m", schema: parameters, strict: true };
      const parsed: { readonly output_parsed: unknown } = await openai.responses.parse({
        model,
        input: "Where?",
        temperature: 0,
        text: { format },
      });
      expect(parsed.output_parsed).toEqual({ city: expect.stringMatching(/^(Oslo|Rome)$/) });
      await ollama.delete({ model: "with-tools" });
    },
    LIMIT_MS,
  );

  test("throws errors with their status and words", async () => {
    const missing = await rejection(openai.chat.completions.create({ model: "nope", messages }));
    expect(missing).toMatchObject({ status: 404, message: "404 model 'nope' not found" });
    const tools = [{ type: "function" as const, function: { name: "f" } }];
    const noTools = await rejection(openai.chat.completions.create({ model, messages, tools }));
    expect(noTools.message).toContain("does not support tools");
  });
});

describe("npm @anthropic-ai/sdk", () => {
  const greedy = { model, messages, temperature: 0, max_tokens: 8 };

  test(
    "gets a message, whole and put together from a stream",
    async () => {
      const whole = await anthropic.messages.create(greedy);
      expect(whole).toMatchObject({
        content: [{ type: "text", text: HELLO }],
        stop_reason: "max_tokens",
        usage: { input_tokens: 12, output_tokens: 8 },
      });
      const final = await anthropic.messages.stream(greedy).finalMessage();
      expect(final).toMatchObject({ content: [{ type: "text", text: HELLO }], stop_reason: "max_tokens" });
      expect(final.usage.output_tokens).toBe(8);
    },
    LIMIT_MS,
  );

  test(
    "counts tokens as the answer does, and stops at its own sequences",
    async () => {
      expect(await anthropic.messages.countTokens({ model, messages })).toEqual({ input_tokens: 12 });
      const stopped = await anthropic.messages.create({ ...greedy, stop_sequences: [" glad"] });
      expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: " glad" });
    },
    LIMIT_MS,
  );

  test("throws errors with their type", async () => {
    const missing = await rejection(anthropic.messages.create({ ...greedy, model: "nope" }));
    expect(missing.status).toBe(404);
    expect(missing.message).toContain("not_found_error");
  });
});

describe("npm @langchain/ollama", () => {
  test(
    "chats, streams and embeds",
    async () => {
      const chat = new ChatOllama({ model, baseUrl: server.baseUrl, temperature: 0, numPredict: 8 });
      expect((await chat.invoke("Say hello.")).content).toBe(HELLO);
      let text = "";
      for await (const chunk of await chat.stream("Say hello.")) text += chunk.text;
      expect(text).toBe(HELLO);
      const embeddings = new OllamaEmbeddings({ model, baseUrl: server.baseUrl });
      expect(await embeddings.embedQuery("a")).toHaveLength(576);
    },
    LIMIT_MS,
  );
});
