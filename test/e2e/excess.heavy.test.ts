// Requests that ask for too much: a text, a list, a number that would keep a runner or the server busy, or fill the memory.
// Each is refused or cut within a moment, and its neighbours go on.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { Target } from "./attacked-server.ts";
import { NativeClient, until } from "./native-client.ts";

const IS_LONG = process.env["OLLAMA_TEST_LONG"] === "1";
const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;
let target: Target;
let client: NativeClient;

beforeAll(async () => {
  target = await Target.start();
  client = new NativeClient(target.server);
  await client.createTiny("m", "llama");
  await client.createTiny("e", "bert", 3);
  await client.generate("m", "hi");
}, LIMIT_MS);
afterAll(() => target[Symbol.asyncDispose]());

const list = (count: number, item: string): string => `[${Array.from({ length: count }, () => item).join(",")}]`;
const word = (length: number): string => `"${"a".repeat(length)}"`;
const SHORT_ANSWER = '"stream":false,"options":{"num_predict":2}';

const rows: readonly (readonly [what: string, path: string, body: () => string, answer: RegExp])[] = [
  ["a word of 20 MB to count", "/api/tokenize", () => `{"model":"m","text":${word(20e6)}}`, /^400 .*characters; this/],
  ["a prompt of 60 MB", "/api/generate", () => `{"model":"m","prompt":${word(60e6)},${SHORT_ANSWER}}`, /^200 /],
  [
    "a prompt of 60 MB that may not be cut",
    "/api/generate",
    () => `{"model":"m","prompt":${word(60e6)},"truncate":false,${SHORT_ANSWER}}`,
    /^400 .*context/,
  ],
  [
    "a last message of 60 MB",
    "/api/chat",
    () => `{"model":"m","messages":[{"role":"user","content":${word(60e6)}}],${SHORT_ANSWER}}`,
    /^[245]00 .*(?:done|template|too much)/,
  ],
  ["a text of 20 MB to embed", "/api/embed", () => `{"model":"e","input":${word(20e6)}}`, /^200 /],
  [
    "nine hundred thousand texts to embed",
    "/api/embed",
    () => `{"model":"e","input":${list(9e5, '"a"')}}`,
    /^400 .*too many/,
  ],
  ["five million tokens", "/api/detokenize", () => `{"model":"m","tokens":${list(5e6, "7")}}`, /^400 .*1000000 values/],
  ["a context of five million", "/api/generate", () => `{"model":"m","context":${list(5e6, "7")}}`, /^400 .*values/],
  [
    "300,000 stop texts",
    "/api/generate",
    () => `{"model":"m","prompt":"x","options":{"stop":${list(3e5, '"s"')}}}`,
    /^400 .*stop has/,
  ],
  [
    "a hundred thousand threads",
    "/api/generate",
    () => '{"model":"m","prompt":"x","stream":false,"options":{"num_predict":2,"num_thread":100000}}',
    /^200 /,
  ],
  [
    "a batch of a billion",
    "/api/generate",
    () => '{"model":"m","prompt":"x","stream":false,"options":{"num_predict":2,"num_batch":1000000000}}',
    /^200 /,
  ],
  [
    "twenty thousand licenses",
    "/api/create",
    () => `{"model":"attack","from":"m","stream":false,"license":${list(2e4, '"l"')}}`,
    /^400 .*licenses/,
  ],
  ["brackets two million deep", "/api/chat", () => "[".repeat(2e6), /^400 .*max depth/],
  [
    "an enum of a million",
    "/api/chat",
    () => `{"model":"m","messages":[],"format":{"enum":${list(999_000, "1")}}}`,
    /^[24]00 /,
  ],
];

test.each(rows)(
  "%s costs a moment and harms no neighbour",
  async (_, path, body, answer) => {
    const text = body();
    const before = target.residentBytes;
    const startMs = performance.now();
    const asked = target.send("POST", path, Buffer.from(text));
    const { status, text: said } = await asked;
    expect(`${status} ${said.slice(0, 500)}`).toMatch(answer);
    // Parsing 60 MB is a second's work; the rest is for a busy machine.
    expect(performance.now() - startMs).toBeLessThan(8000);
    expect((await client.generate("m", "hi")).done_reason).toMatch(/stop|length/);
    expect(target.residentBytes - before).toBeLessThan(700 * MIB);
    await target.expectUnharmed();
  },
  LIMIT_MS,
);

test(
  "texts to embed for a client that went away are not embedded",
  async () => {
    const abort = new AbortController();
    const input = Array.from({ length: 60_000 }, (_, i) => `text ${i} ${"word ".repeat(40)}`);
    const asked = client.post("/api/embed", { model: "e", input }, abort.signal).catch(() => "gone");
    const active = async (): Promise<number> => {
      const { models } = (await (await client.fetch("/api/ps")).json()) as {
        models: { name: string; active_requests?: number }[];
      };
      return models.find(({ name }) => name === "e:latest")?.active_requests ?? 0;
    };
    await until("they are being embedded", async () => (await active()) > 0);
    abort.abort();
    expect(await asked).toBe("gone");
    await until("nothing is embedded any more", async () => (await active()) === 0, 2000);
    const startMs = performance.now();
    await client.ask("/api/embed", { model: "e", input: "one" });
    expect(performance.now() - startMs).toBeLessThan(5000);
  },
  LIMIT_MS,
);

test.skipIf(!IS_LONG)(
  "connections that ask nothing, or drip, are closed after a minute; those that wait for an answer or for their next request are not",
  async () => {
    const open = async (bytes: string): Promise<{ socket: Socket; closed: () => boolean }> => {
      const socket = connect(target.server.port, "127.0.0.1").on("error", () => {});
      await new Promise((resolve) => socket.once("connect", resolve));
      let isClosed = false;
      socket.on("close", () => (isClosed = true)).on("data", () => {});
      socket.write(bytes);
      return { socket, closed: () => isClosed };
    };
    const silent = await Promise.all(Array.from({ length: 20 }, () => open("")));
    const dripping = await Promise.all(Array.from({ length: 20 }, () => open("GET /api/version HTTP/1.1\r\nHo")));
    const drip = setInterval(() => {
      for (const { socket } of dripping) socket.write("s");
    }, 1000);
    const kept = await open("GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until("they are closed", () => [...silent, ...dripping].every(({ closed }) => closed()), 100_000);
    clearInterval(drip);
    expect(kept.closed()).toBe(false);
    kept.socket.destroy();
  },
  120_000,
);
