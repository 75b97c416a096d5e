// More streams through the hop than the runtime would send at once by itself (256). The engine gives nobody a token before it
// has heard all of them, so that one request left waiting would keep every client waiting.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";

const STREAMS = 300;
const LIMIT_MS = 60_000;

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const answer = [
  event({ choices: [{ index: 0, delta: { content: "here" }, finish_reason: null }] }),
  event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
  "data: [DONE]\n\n",
].join("");

let heard = 0;
const everybody = Promise.withResolvers<void>();
const engine = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/models") return Response.json({ data: [{ id: "big" }] });
    if (pathname !== "/v1/chat/completions") return new Response("Not Found", { status: 404 });
    if (++heard === STREAMS) everybody.resolve();
    await everybody.promise;
    return new Response(answer, { headers: { "content-type": "text/event-stream" } });
  },
});

let front: TestServer;

beforeAll(async () => {
  front = await startServer();
  const host = `http://127.0.0.1:${engine.port}`;
  const allowed = await runProgram(["remote", "allow", host], { env: front.env, cwd: front.home.path });
  expect(allowed.exit).toBe(0);
  const body = JSON.stringify({ model: "many", from: "big", remote_host: `${host}/v1`, stream: false });
  const created = await fetch(`${front.baseUrl}/api/create`, { method: "POST", body, proxy: false });
  expect(await created.text()).toContain("success");
}, LIMIT_MS);
afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await engine.stop(true);
});

/** By a socket of its own: fetch has the limit that is tested here. */
function ask(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const body = JSON.stringify({ model: "many", messages: [{ role: "user", content: "Hi" }] });
  const request = `POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  let told = "";
  void Bun.connect({
    hostname: "127.0.0.1",
    port: front.port,
    socket: {
      open: (socket) => void socket.write(request),
      data: (_, bytes) => void (told += bytes.toString()),
      close: () => resolve(told),
      error: (_, error) => reject(error),
      connectError: (_, error) => reject(error),
    },
  });
  return promise;
}

test(
  `${STREAMS} streams at once all reach the engine`,
  async () => {
    const answers = await Promise.all(Array.from({ length: STREAMS }, ask));
    expect(answers.filter((told) => told.includes('"content":"here"') && told.includes('"done":true')).length).toBe(
      STREAMS,
    );
  },
  LIMIT_MS,
);
