// Engines elsewhere that are down, slow, wrong or hostile: one clear error each, naming the engine, in the client's dialect.

import { afterEach, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { delta, FakeEngine, rawEvents, sse, sseText, stopped } from "../support/fake-engine.ts";
import { selfSigned } from "../support/self-signed.ts";
import { type RemoteApp, remoteApp } from "./remote-app.ts";

const CHAT = "/v1/chat/completions";
const cleanup: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function setUp(env: Record<string, string> = {}): Promise<{ engine: FakeEngine; app: RemoteApp }> {
  const engine = new FakeEngine();
  const app = await remoteApp(env);
  cleanup.push(engine, app);
  await app.allow({ origin: engine.origin, key: "sk-secret" });
  await app.create(engine.baseUrl);
  return { engine, app };
}

const question = { model: "m", messages: [{ role: "user", content: "Hi" }] };

async function chat(app: RemoteApp, stream = false): Promise<[status: number, error: string]> {
  const response = await app.post("/api/chat", { ...question, stream });
  const lines = (await response.text()).trim().split("\n");
  const { error = "" } = JSON.parse(lines.at(-1) ?? "{}") as { error?: string };
  return [response.status, error];
}

const page = (status: number) =>
  new Response("<html><head><title>Bad Gateway</title></head><body>nginx</body></html>", {
    status,
    headers: { "content-type": "text/html" },
  });

const spoiled: [string, () => Response, number, string][] = [
  [
    "a wrong key",
    () => Response.json({ error: "no" }, { status: 401 }),
    502,
    "refused the key (401): no; set it with: ollama remote allow ORIGIN --key-stdin",
  ],
  [
    "a wrong model",
    () => Response.json({ error: { message: "The model `big` does not exist." } }, { status: 404 }),
    502,
    'has no model "big": The model `big` does not exist.; it serves: big',
  ],
  [
    "a request it refuses",
    () => Response.json({ detail: "too long" }, { status: 400 }),
    400,
    "refused the request: too long",
  ],
  ["an engine that is busy", () => Response.json({ error: "full" }, { status: 503 }), 503, "is busy (503): full"],
  ["an engine that fails", () => Response.json({ message: "boom" }, { status: 500 }), 502, "answered 500: boom"],
  ["a web page with an error", () => page(502), 502, 'answered 502: a web page ("Bad Gateway") instead of JSON'],
  ["a web page with success", () => page(200), 502, 'sent a web page ("Bad Gateway") instead of JSON'],
  [
    "a redirect",
    () => new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } }),
    502,
    "redirects to http://169.254.169.254/",
  ],
  ["events that are no JSON", () => rawEvents("data: {oops\n\n"), 502, "sent something that is no JSON: {oops"],
  ["an event that is no object", () => rawEvents("data: 7\n\n"), 502, "sent JSON that is no object: 7"],
  [
    "a line without end",
    () => rawEvents(`data: ${"x".repeat(9_000_000)}`),
    502,
    "cannot be read: the server sent a line of more than 8000000 bytes",
  ],
  [
    "an event without end",
    () => rawEvents(`data: ${"x".repeat(5_000_000)}\n`.repeat(2)),
    502,
    "cannot be read: the server sent an event of more than",
  ],
  ["an error among the events", () => sse({ error: { message: "out of memory" } }), 502, "failed: out of memory"],
  ["an answer that just ends", () => rawEvents(""), 502, "ended its answer in the middle"],
];

for (const [name, spoil, status, message] of spoiled) {
  test(`${name} gives one clear error that names the engine and not the key`, async () => {
    const { engine, app } = await setUp();
    engine.on(CHAT, spoil);
    const [found, error] = await chat(app);
    expect(error).toContain(message.replace("ORIGIN", engine.origin));
    expect(found).toBe(status);
    expect(error).toContain(engine.baseUrl);
    expect(error).not.toContain("sk-secret");
  });
}

test("a model that calls tools without end is stopped", async () => {
  const { engine, app } = await setUp();
  const calls = Array.from({ length: 300 }, (_, index) =>
    delta({ tool_calls: [{ index, function: { name: "f", arguments: "{}" } }] }),
  );
  engine.on(CHAT, () => sse(...calls, stopped()));
  const [, error] = await chat(app, true);
  expect(error).toContain("called tools without end");
});

test("an engine that is down is named, with its address", async () => {
  const { engine, app } = await setUp();
  await engine[Symbol.asyncDispose]();
  const [status, error] = await chat(app);
  expect(status).toBe(502);
  expect(error).toBe(`cannot reach ${engine.baseUrl}: the connection was refused; is the engine running there?`);
});

test("every dialect says it in its own shape", async () => {
  const { engine, app } = await setUp();
  engine.on(CHAT, () => Response.json({ error: "boom" }, { status: 500 }));
  const openai = await app.post("/v1/chat/completions", question);
  expect([openai.status, await openai.json()]).toMatchObject([
    502,
    { error: { message: `${engine.baseUrl} answered 500: boom`, type: "api_error" } },
  ]);
  const responses = await app.post("/v1/responses", { model: "m", input: "Hi" });
  expect([responses.status, await responses.json()]).toMatchObject([
    502,
    { error: { message: `${engine.baseUrl} answered 500: boom` } },
  ]);
  const anthropic = await app.post("/v1/messages", { ...question, max_tokens: 9 });
  expect([anthropic.status, await anthropic.json()]).toMatchObject([
    502,
    { type: "error", error: { type: "api_error", message: `${engine.baseUrl} answered 500: boom` } },
  ]);
  const generate = await app.post("/api/generate", { model: "m", prompt: "Hi" });
  expect([generate.status, await generate.json()]).toEqual([502, { error: `${engine.baseUrl} answered 500: boom` }]);
});

test("a slow engine is given up at each of its limits, and its connection is closed", async () => {
  const { engine, app } = await setUp({ OLLAMA_REMOTE_FIRST_TIMEOUT: "100ms", OLLAMA_REMOTE_GAP_TIMEOUT: "50ms" });
  engine.on(CHAT, () => engine.hanging(": still here\n\n"));
  expect(await chat(app)).toEqual([502, `${engine.baseUrl} sent no token within 0.1 s (OLLAMA_REMOTE_FIRST_TIMEOUT)`]);
  engine.on(CHAT, () => engine.hanging(sseText(delta({ content: "Hel" }))));
  const [status, error] = await chat(app, true);
  expect(status).toBe(200);
  expect(error).toBe(
    `${engine.baseUrl} was silent in the middle of its answer: nothing came within 0.1 s (OLLAMA_REMOTE_GAP_TIMEOUT)`,
  );
});

test("an engine that accepts and never says what it is ends at the connect limit", async () => {
  const { engine, app } = await setUp({ OLLAMA_REMOTE_CONNECT_TIMEOUT: "100ms" });
  engine.on("/v1/models", () => new Promise<Response>(() => undefined));
  expect(await chat(app)).toEqual([
    502,
    `${engine.baseUrl} did not say what it is within 0.1 s (OLLAMA_REMOTE_CONNECT_TIMEOUT)`,
  ]);
});

test("an engine that dies in the middle ends the answer with an error line, and is not asked again", async () => {
  const { engine, app } = await setUp();
  engine.on(CHAT, () => rawEvents(sseText(delta({ content: "Hel" }))));
  const response = await app.post("/api/chat", question);
  const lines = (await response.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toMatchObject({
    message: { content: "Hel" },
    done: false,
    remote_model: "big",
    remote_host: engine.baseUrl,
  });
  expect(lines[1]).toEqual({ error: `${engine.baseUrl} ended its answer in the middle` });
  expect(engine.asked.filter(({ path }) => path === CHAT)).toHaveLength(1);
});

test("a client that leaves closes the engine's connection at once", async () => {
  const { engine, app } = await setUp();
  engine.on(CHAT, () => engine.hanging(sseText(delta({ content: "Hel" }))));
  const leaving = new AbortController();
  const response = await app.post("/api/chat", question, leaving.signal);
  const reader = response.body?.getReader();
  await reader?.read();
  leaving.abort();
  await reader?.cancel();
  for (let waited = 0; engine.left === 0 && waited < 200; waited++) await Bun.sleep(10);
  expect(engine.left).toBe(1);
});

test("the next address is asked when the first cannot be reached, and no key goes to the wrong one", async () => {
  const { engine: first, app } = await setUp();
  const second = new FakeEngine();
  cleanup.push(second);
  await app.allow({ origin: first.origin, key: "one" }, { origin: second.origin, key: "two" });
  await app.create(`${first.baseUrl},${second.baseUrl}`);
  await first[Symbol.asyncDispose]();
  expect(await chat(app)).toEqual([200, ""]);
  expect(second.asked.at(-1)?.headers.get("authorization")).toBe("Bearer two");
});

test("when no address answers, the error says so of each", async () => {
  const { engine: first, app } = await setUp();
  const second = new FakeEngine();
  await app.allow({ origin: first.origin }, { origin: second.origin });
  await app.create(`${first.baseUrl},${second.baseUrl}`);
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  const [status, error] = await chat(app);
  expect(status).toBe(502);
  expect(error).toContain(`cannot reach ${first.baseUrl}`);
  expect(error).toContain(`; cannot reach ${second.baseUrl}`);
});

test("a host that was not allowed is never contacted, and the error names the command", async () => {
  const { engine, app } = await setUp();
  await app.allow();
  engine.asked.length = 0;
  expect(await chat(app)).toEqual([
    403,
    `m:latest is served by ${engine.origin}, which this machine was not told to trust; if you do, run: ollama remote allow ${engine.origin}`,
  ]);
  expect(engine.asked).toEqual([]);
});

test("a key file that others can read is refused, and its owner is told where to look", async () => {
  const { app } = await setUp();
  await chmod(app.remotesFile, 0o644);
  const [status, error] = await chat(app);
  expect([status, error]).toEqual([
    403,
    "this server's file of remote hosts cannot be used; on its machine, run: ollama remote list",
  ]);
});

test("a certificate is verified; an own authority makes it good", async () => {
  const tls = await selfSigned();
  const engine = new FakeEngine({ tls });
  const app = await remoteApp();
  cleanup.push(engine, app);
  await app.allow({ origin: engine.origin, key: "sk-secret" });
  await app.create(engine.baseUrl);
  const [status, error] = await chat(app);
  expect(status).toBe(502);
  expect(error).toContain(`the certificate of ${engine.baseUrl} is not trusted (`);
  expect(error).toContain(`ollama remote allow ${engine.origin} --ca FILE`);
  expect(engine.asked).toEqual([]);
  await app.allow({ origin: engine.origin, key: "sk-secret", ca: tls.cert });
  expect(await chat(app)).toEqual([200, ""]);
});
