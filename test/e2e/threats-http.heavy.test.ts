// What the published holes do not name: requests that proxies and servers read differently, hosts and origins that only look like
// this machine's, rights that one key has over what another one did. Against the executable, byte by byte where it must be.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runProgram } from "../support/program.ts";
import { Target } from "./attacked-server.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 60_000;
let target: Target;

beforeAll(async () => {
  target = await Target.start();
}, LIMIT_MS);
afterAll(() => target[Symbol.asyncDispose]());

const get = (headers: string): string => `GET /api/version HTTP/1.1\r\n${headers}\r\n\r\n`;
const post = (headers: string, body: string): string =>
  `POST /api/show HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`;

describe("a request whose end can be read in two ways is refused", () => {
  const behind = "GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n";
  test.each([
    ["length and chunks", post("Content-Length: 4\r\nTransfer-Encoding: chunked", `0\r\n\r\n${behind}`)],
    ["chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4", `0\r\n\r\n${behind}`)],
    ["two lengths", post("Content-Length: 2\r\nContent-Length: 40", `{}${behind}`)],
    ["a list of lengths", post("Content-Length: 2, 40", `{}${behind}`)],
    ["a length with a sign", post("Content-Length: +2", "{}")],
    ["a length below zero", post("Content-Length: -2", "{}")],
    ["a length in base 16", post("Content-Length: 0x2", "{}")],
    ["a length beyond any number", post(`Content-Length: ${"9".repeat(30)}`, "{}")],
    ["an unknown coding", post("Transfer-Encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n")],
    ["chunks that are not last", post("Transfer-Encoding: chunked, identity", "2\r\n{}\r\n0\r\n\r\n")],
    ["two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "2\r\n{}\r\n0\r\n\r\n")],
    ["a space before the colon", post("Transfer-Encoding : chunked", "2\r\n{}\r\n0\r\n\r\n")],
    ["a folded header", post("Transfer-Encoding:\r\n chunked", "2\r\n{}\r\n0\r\n\r\n")],
    ["a chunk beyond any number", post("Transfer-Encoding: chunked", "ffffffffffffffff1\r\n{}\r\n0\r\n\r\n")],
    ["chunks with bare newlines", post("Transfer-Encoding: chunked", "2\n{}\n0\n\n")],
    ["a zero byte in a header", get("Host: localhost\r\nX: a\0b")],
    ["no Host", get("X: y")],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s", async (_, bytes) => {
    expect(await target.raw(bytes)).toBe(400);
    await target.expectUnharmed();
  });

  test.each([
    ["five thousand headers", get(`Host: localhost\r\n${"X: a\r\n".repeat(5000)}X: a`), 431],
    ["an address of 100 kB", `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ["an extension of a chunk of 100 kB", post("Transfer-Encoding: chunked", `2;${"a".repeat(100_000)}\r\n{}`), 413],
  ])("%s", async (_, bytes, status) => {
    expect(await target.raw(bytes)).toBe(status);
    await target.expectUnharmed();
  });
});

describe("a Host or an Origin that only looks like this machine's", () => {
  test.each([
    "localhost,evil.example",
    "[::ffff:8.8.8.8]",
    "8.8.8.8",
    "2130706433",
    "fc00.evil.example",
    "localhost\r\nHost: evil.example",
    "evil.example\r\nHost: localhost",
  ])("Host %j", async (host) => {
    expect(await target.raw(get(`Host: ${host}`))).toBe(403);
  });

  test.each([
    "localhost:evil.example",
    "fd:evil.example:80",
    "[::1].evil.example",
    "[].evil.example",
    "localhost@evil.example",
    "evil.example@localhost",
    "localhost/x",
  ])("Host %j is none", async (host) => {
    expect(await target.raw(get(`Host: ${host}`))).toBe(400);
  });

  test("an old program that sends none is answered", async () => {
    expect(await target.raw("GET /api/version HTTP/1.0\r\n\r\n")).toBe(200);
    expect(await target.raw("OPTIONS / HTTP/1.0\r\n\r\n")).toBe(204);
    expect(await target.raw("GET /api/version HTTP/1.1\r\nHost: \r\n\r\n")).toBe(200);
  });

  test.each([
    "null",
    "http://localhost.evil.example",
    "http://localhost:1@evil.example",
    "http://localhost:80.evil.example",
    "http://127.0.0.1:evil.example",
    "http://evil.example, http://localhost",
  ])("Origin %j", async (origin) => {
    expect(await target.raw(get(`Host: localhost\r\nOrigin: ${origin}`))).toBe(403);
  });
});

test(
  "where the server listens beyond loopback, a page whose name was pointed at this machine has another machine's rights",
  async () => {
    await using open = await Target.start({}, "0.0.0.0");
    const ask = async (host: string): Promise<number> =>
      open.raw(
        `DELETE /api/delete HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nContent-Length: 13\r\n\r\n{"model":"x"}`,
      );
    expect(await ask("evil.example")).toBe(403);
    expect(await ask("localhost")).toBe(404);
  },
  LIMIT_MS,
);

test.each([
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-client-ip",
  "true-client-ip",
  "fly-client-ip",
  "x-original-host",
])("%s too tells that a request came from elsewhere", async (name) => {
  const { status } = await target.send("POST", "/api/copy", { source: "a", destination: "b" }, { [name]: "x" });
  expect(status).toBe(403);
});

test("o#13223: where the models are is told to this machine's programs alone", async () => {
  await new NativeClient(target.server).createTiny("m", "llama");
  const show = async (headers: Record<string, string>): Promise<string> =>
    (await target.send("POST", "/api/show", { model: "m" }, headers)).text;
  expect(await show({})).toContain(`FROM ${target.server.home.modelsDir}`);
  for (const elsewhere of [{ origin: "http://localhost:3000" }, { "x-forwarded-for": "1.2.3.4" }]) {
    const shown = await show(elsewhere);
    expect(shown).toContain("FROM blobs/sha256-");
    expect(shown).not.toContain(target.server.home.path);
  }
});

test(
  "what one key asked and was answered, no other key reads, continues or deletes",
  async () => {
    await using shared = await Target.start();
    await new NativeClient(shared.server).createTiny("m", "llama");
    const newKey = async (name: string): Promise<Record<string, string>> => {
      const { stdout } = await runProgram(["key", "create", name], { env: shared.server.env });
      return { authorization: `Bearer ${stdout.trim()}` };
    };
    const [mine, other] = [await newKey("mine"), await newKey("other")];
    const respond = (headers: Record<string, string>, more: object = {}) =>
      shared.send("POST", "/v1/responses", { model: "m", input: "secret", max_output_tokens: 16, ...more }, headers);
    const { id } = JSON.parse((await respond(mine)).text) as { id: string };
    expect((await shared.send("GET", `/v1/responses/${id}`, undefined, other)).status).toBe(404);
    expect((await shared.send("DELETE", `/v1/responses/${id}`, undefined, other)).status).toBe(404);
    expect((await respond(other, { previous_response_id: id })).status).toBe(400);
    expect((await respond(mine, { previous_response_id: id })).status).toBe(200);
    expect((await shared.send("DELETE", `/v1/responses/${id}`, undefined, mine)).status).toBe(200);
  },
  LIMIT_MS,
);
