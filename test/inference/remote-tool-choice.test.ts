// A demanded call, at engines that enforce one, that know only words for it, or that pass over it.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { delta, FakeEngine, sse, stopped } from "../support/fake-engine.ts";
import { type RemoteApp, remoteApp } from "./remote-app.ts";

const CHAT = "/v1/chat/completions";
const toolNamed = (name: string) => ({ type: "function", function: { name, parameters: { type: "object" } } });
const tools = [toolNamed("add"), toolNamed("paint")];
const paint = { type: "function", function: { name: "paint" } };
const messages = [{ role: "user", content: "Hi" }];
const call = delta({ tool_calls: [{ index: 0, id: "c1", function: { name: "paint", arguments: "{}" } }] });

let engine: FakeEngine;
let app: RemoteApp;

async function start(owner: string): Promise<void> {
  engine = new FakeEngine({ owner });
  await app.allow({ origin: engine.origin });
  await app.create(engine.baseUrl);
}

async function ask(path: string, body: Record<string, unknown>): Promise<[number, string]> {
  const response = await app.post(path, { model: "m", messages, tools, ...body });
  return [response.status, await response.text()];
}

beforeEach(async () => {
  app = await remoteApp();
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

test("a tool by its name is demanded in the engine's own words", async () => {
  await start("vllm");
  engine.on(CHAT, () => sse(call, stopped("tool_calls")));
  await ask("/v1/chat/completions", { tool_choice: paint });
  expect(engine.lastBody(CHAT)).toMatchObject({ tool_choice: paint, tools: [{}, {}] });
});

test("llama-server, which knows words only, is offered that tool alone", async () => {
  await start("llamacpp");
  engine.on(CHAT, () => sse(call, stopped("tool_calls")));
  const [status, text] = await ask("/v1/chat/completions", { tool_choice: paint });
  expect([status, text]).toEqual([200, expect.stringContaining('"name":"paint"')]);
  const body = engine.lastBody(CHAT);
  expect(body?.["tool_choice"]).toBe("required");
  expect(body?.["tools"]).toMatchObject([{ function: { name: "paint" } }]);
});

test("text in place of a demanded call is an error that names the engine, whole and streamed", async () => {
  await start("llamacpp");
  const [status, text] = await ask("/api/chat", { tool_choice: "required", stream: false });
  const reason = `${engine.baseUrl} called no tool although it was told that it must`;
  expect([status, text]).toEqual([502, expect.stringContaining(reason)]);
  const [, streamed] = await ask("/api/chat", { tool_choice: "required" });
  expect(streamed.trim().split("\n").at(-1)).toStartWith(`{"error":"${reason}`);
  const [, events] = await ask("/v1/chat/completions", { tool_choice: "required", stream: true });
  expect(events).toContain(reason);
});

test("an answer that ran out of tokens on its way to the call is told as that", async () => {
  await start("llamacpp");
  engine.on(CHAT, () => sse(delta({ content: "Well" }), stopped("length")));
  const [status, text] = await ask("/api/chat", { tool_choice: "required", stream: false });
  expect([status, text]).toEqual([200, expect.stringContaining('"done_reason":"length"')]);
});

test("without a demand, text is an answer", async () => {
  await start("llamacpp");
  expect((await ask("/api/chat", { stream: false }))[0]).toBe(200);
});
