// What a hostile or broken client does to the real server: it is refused, costs little memory, and its neighbours go on.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { smallModelName as model } from "../../scripts/small-model.mjs";
import type { TestServer } from "../support/server.ts";
import { smallModelServer } from "./small-model-server.ts";

const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;
let server: TestServer;

beforeAll(async () => {
  server = await smallModelServer();
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function residentBytes(): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Neighbours are well: a short chat is answered. */
async function isWell(): Promise<boolean> {
  const body = { model, messages: [{ role: "user", content: "Hi" }], options: { num_predict: 2 }, stream: false };
  const response = await fetch(`${server.baseUrl}/api/chat`, {
    method: "POST",
    body: JSON.stringify(body),
    proxy: false,
  });
  return response.ok && ((await response.json()) as { done: boolean }).done;
}

async function open(): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => undefined);
  return socket;
}

/** Everything the server says until it closes or `until` is found in it. */
function answer(socket: Socket, until: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(until)) resolve(text);
    });
    socket.on("close", () => resolve(text));
  });
}

test(
  "headers that are too large are refused, and the server goes on",
  async () => {
    const socket = await open();
    const reply = answer(socket, "\r\n\r\n");
    socket.write(`GET /api/tags HTTP/1.1\r\nHost: localhost\r\nX-Big: ${"a".repeat(MIB)}\r\n\r\n`);
    expect(await reply).toMatch(/^HTTP\/1\.1 4(31|00)/);
    socket.destroy();
    expect(await isWell()).toBe(true);
  },
  LIMIT_MS,
);

test(
  "a body that says it is too large is refused before it arrives, in the dialect's shape",
  async () => {
    const socket = await open();
    const reply = answer(socket, "}}");
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${1024 ** 3}\r\n\r\n{`);
    const text = await reply;
    expect(text).toContain("HTTP/1.1 413");
    expect(text).toContain('"type":"invalid_request_error"');
    socket.destroy();
  },
  LIMIT_MS,
);

test(
  "a body without a length is cut off at the limit, and its memory given back",
  async () => {
    const startBytes = residentBytes();
    const chunk = new Uint8Array(4 * MIB);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.byteLength;
        if (sent > 512 * MIB) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const outcome = await fetch(`${server.baseUrl}/api/chat`, { method: "POST", body, proxy: false }).then(
      (response) => response.status,
      () => "connection closed",
    );
    expect([413, "connection closed"]).toContain(outcome);
    expect(residentBytes() - startBytes).toBeLessThan(420 * MIB);
    expect(await isWell()).toBe(true);
  },
  LIMIT_MS,
);

test(
  "fifty bodies that never end and fifty that are cut off leave the neighbours alone",
  async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, open));
    for (const socket of sockets) {
      socket.write('POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"model":');
    }
    expect(await isWell()).toBe(true);
    for (const socket of sockets.slice(0, 50)) socket.destroy();
    expect(await isWell()).toBe(true);
    for (const socket of sockets) socket.destroy();
  },
  LIMIT_MS,
);

test(
  "a client that stops reading does not make the server grow",
  async () => {
    const startBytes = residentBytes();
    const socket = await open();
    socket.pause();
    const body = JSON.stringify({
      model,
      prompt: "Count.",
      raw: true,
      logprobs: true,
      top_logprobs: 20,
      options: { num_predict: 400, num_ctx: 512 },
    });
    socket.write(`POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    for (let turn = 0; turn < 5; turn++) expect(await isWell()).toBe(true);
    expect(residentBytes() - startBytes).toBeLessThan(64 * MIB);
    socket.destroy();
    expect(await isWell()).toBe(true);
  },
  LIMIT_MS,
);
