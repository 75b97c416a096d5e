// A context that is too small never loses anything in silence: every dialect tells what was cut, or refuses when it was asked to.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer } from "../support/server.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 90_000;
const CUT = "x-ollama-truncated-tokens";
const LONG = Array.from({ length: 600 }, (_, i) => `word${i % 97}`).join(" ");
const TURNS = Array.from({ length: 40 }, (_, i) => ({
  role: i % 2 === 0 ? "user" : "assistant",
  content: `turn ${i} ${LONG.slice(0, 120)}`,
}));
const MESSAGES = [...TURNS, { role: "user", content: "and now?" }];

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer({ env: { OLLAMA_CONTEXT_LENGTH: "512" } });
  client = new NativeClient(server);
  await client.createTiny("small", "llama");
}, LIMIT_MS);
afterAll(() => server[Symbol.asyncDispose]());

const options = { num_predict: 4, temperature: 0 };
const ROUTES: readonly (readonly [path: string, long: object, short: object])[] = [
  [
    "/api/generate",
    { model: "small", prompt: LONG, raw: true, options },
    { model: "small", prompt: "hi", raw: true, options },
  ],
  [
    "/api/chat",
    { model: "small", messages: MESSAGES, options },
    { model: "small", messages: MESSAGES.slice(-1), options },
  ],
  [
    "/v1/chat/completions",
    { model: "small", messages: MESSAGES, max_tokens: 4 },
    { model: "small", messages: MESSAGES.slice(-1), max_tokens: 4 },
  ],
  ["/v1/completions", { model: "small", prompt: LONG, max_tokens: 4 }, { model: "small", prompt: "hi", max_tokens: 4 }],
  [
    "/v1/messages",
    { model: "small", messages: MESSAGES, max_tokens: 4 },
    { model: "small", messages: MESSAGES.slice(-1), max_tokens: 4 },
  ],
];

describe.each(ROUTES)("%s", (path, long, short) => {
  test.each([false, true])(
    "tells in a header how much of the prompt was cut (stream: %p)",
    async (stream) => {
      const cut = await client.post(path, { ...long, stream });
      await cut.text();
      expect(cut.status).toBe(200);
      expect(Number(cut.headers.get(CUT))).toBeGreaterThan(100);
      const whole = await client.post(path, { ...short, stream });
      await whole.text();
      expect(whole.status).toBe(200);
      expect(whole.headers.get(CUT)).toBeNull();
    },
    LIMIT_MS,
  );
});

test(
  "the last chunk counts what was cut and what was shifted out, and both can be refused",
  async () => {
    const cut = await client.generate("small", LONG, { num_predict: 4 }, { raw: true });
    expect(cut).toMatchObject({ truncated_count: expect.any(Number) });
    const refused = await client.post("/api/generate", { model: "small", prompt: LONG, raw: true, truncate: false });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("context length");
    const shifted = await client.generate("small", "begin", { num_predict: 700 }, { raw: true });
    const ended = await client.generate("small", "begin", { num_predict: 700 }, { raw: true, shift: false });
    // A tiny random model may end by itself; one that goes on must shift, or end where the context does.
    if (shifted.eval_count === 700) {
      expect(shifted).toMatchObject({ shifted_count: expect.any(Number) });
      expect(ended).toMatchObject({ done_reason: "length" });
      expect(ended.eval_count).toBeLessThan(513);
    }
  },
  LIMIT_MS,
);
