// What the server says fits what the official clients' types promise their users: the compiler proves it, field by field, since
// an answer's schema is the type that the translations are checked against.

import type Anthropic from "@anthropic-ai/sdk";
import { Value } from "@sinclair/typebox/value";
import { expect, test } from "bun:test";
import type OpenAI from "openai";
import * as anthropic from "../../src/api/anthropic.ts";
import { ChatCompletion, ChatCompletionChunk } from "../../src/api/openai/chat.ts";
import { Completion } from "../../src/api/openai/completions.ts";
import type { EmbeddingsList } from "../../src/api/openai/embeddings.ts";
import type { OpenAIModel } from "../../src/api/openai/models.ts";
import type { OutputItem, ResponseObject } from "../../src/api/openai/responses.ts";
import { ScriptedApp } from "../server/compat/scripted-app.ts";
import { call, done, ScriptedModel, text, thinking } from "../server/compat/scripted-model.ts";

/** Fails to compile unless everything that `Ours` may be is a `Theirs`. */
type Fits<Ours extends Theirs, Theirs> = Ours;

/** null only where nothing was answered: rendering for debugging, and chunks before the last. */
type Ended<T extends { readonly finish_reason: unknown }> = Omit<T, "finish_reason"> & {
  readonly finish_reason: NonNullable<T["finish_reason"]>;
};

/** Left out with a reason (api/anthropic.ts). */
type Declined = "citations" | "caller";
type Block<T> = T extends unknown ? Omit<T, Declined> : never;
type Whole<T extends { readonly content: unknown }> = Omit<T, "content"> & { readonly content: [] };
type Start = Extract<anthropic.StreamEvent, { type: "message_start" }>;
type Rest = Exclude<anthropic.StreamEvent, { type: "error" | "message_start" | "content_block_start" }>;

/** What the request brought is echoed as it came; `output_text` is made by the client. */
type Echoed = "tools" | "tool_choice" | "text" | "reasoning" | "metadata" | "output" | "usage";
type Theirs = Omit<OpenAI.Responses.Response, Echoed | "output_text">;
type Usage = NonNullable<ResponseObject["usage"]>;

export type Proofs = [
  Fits<Ended<ChatCompletion["choices"][number]>, OpenAI.ChatCompletion.Choice>,
  Fits<Omit<ChatCompletion, "choices">, Omit<OpenAI.ChatCompletion, "choices">>,
  Fits<ChatCompletionChunk, OpenAI.ChatCompletionChunk>,
  Fits<Ended<Completion["choices"][number]>, OpenAI.CompletionChoice>,
  Fits<Omit<Completion, "choices">, Omit<OpenAI.Completion, "choices">>,
  Fits<Omit<EmbeddingsList, "data">, Omit<OpenAI.CreateEmbeddingResponse, "data">>,
  Fits<OpenAIModel, OpenAI.Model>,
  Fits<Omit<ResponseObject, Echoed>, Theirs>,
  Fits<Usage, Omit<OpenAI.Responses.ResponseUsage, "input_tokens_details">>,
  Fits<Exclude<OutputItem, { type: "message" }>, OpenAI.Responses.ResponseOutputItem>,
  Fits<Whole<anthropic.MessagesResponse>, Anthropic.Message>,
  Fits<Whole<Start["message"]>, Anthropic.Message>,
  Fits<anthropic.AnswerBlock, Block<Anthropic.ContentBlock>>,
  Fits<Rest, Anthropic.RawMessageStreamEvent>,
];

const script = [thinking("hm"), text("Hi"), call("f", { a: 1 }), done()];
const messages = [{ role: "user", content: "x" }];

test("whole answers and every event of a stream are what their schemas say", async () => {
  await using app = new ScriptedApp(new ScriptedModel(script));
  const asked = { model: "scripted", messages, max_tokens: 5 };
  const chat = await app.json("/v1/chat/completions", asked);
  const message = await app.json("/v1/messages", asked);
  const completion = await app.json("/v1/completions", { model: "scripted", prompt: "x" });
  expect([...Value.Errors(ChatCompletion, chat.body)]).toEqual([]);
  expect([...Value.Errors(anthropic.MessagesResponse, message.body)]).toEqual([]);
  expect([...Value.Errors(Completion, completion.body)]).toEqual([]);
  for (const { data } of await app.sse("/v1/messages", asked)) {
    expect([...Value.Errors(anthropic.StreamEvent, data)]).toEqual([]);
  }
  for (const { data, raw } of await app.sse("/v1/chat/completions", asked)) {
    if (raw !== "[DONE]") expect([...Value.Errors(ChatCompletionChunk, data)]).toEqual([]);
  }
});
