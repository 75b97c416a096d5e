// POST /api/pull and /api/push: statuses, content types and texts as real Ollama was recorded to give them.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { type AppServer, startApp } from "../support/app-server.ts";
import { bytesOf } from "../registry/pulling.ts";
import { standIn } from "../registry/stand-in.ts";

const REFUSED =
  'pull model manifest: Get "http://127.0.0.1:9/v2/lib/x/manifests/latest": dial tcp 127.0.0.1:9: connect: connection refused';

async function post(
  { baseUrl }: AppServer,
  path: string,
  body: unknown,
): Promise<readonly [number, string | null, unknown[]]> {
  const answer = await fetch(baseUrl + path, { method: "POST", body: JSON.stringify(body), proxy: false });
  const lines = (await answer.text()).trim().split("\n");
  return [answer.status, answer.headers.get("content-type"), lines.map((line): unknown => JSON.parse(line))];
}

test("a registry that is not there: an error line in a stream, a 500 without", async () => {
  await using server = await startApp();
  const model = "127.0.0.1:9/lib/x";
  expect(await post(server, "/api/pull", { model, insecure: true })).toEqual([
    200,
    "application/x-ndjson",
    [{ status: "pulling manifest" }, { error: REFUSED }],
  ]);
  expect(await post(server, "/api/pull", { name: model, insecure: true, stream: false })).toEqual([
    500,
    "application/json",
    [{ error: REFUSED }],
  ]);
});

test("a model that is not here to be pushed", async () => {
  await using server = await startApp();
  const path = join(server.home.modelsDir, "manifests/127.0.0.1:9/lib/x/latest");
  const error = `open ${path}: no such file or directory`;
  const body = { model: "127.0.0.1:9/lib/x", insecure: true };
  expect(await post(server, "/api/push", { ...body, stream: false })).toEqual([500, "application/json", [{ error }]]);
  expect(await post(server, "/api/push", body)).toEqual([
    200,
    "application/x-ndjson",
    [{ status: "retrieving manifest" }, { status: "couldn't retrieve manifest" }, { error }],
  ]);
});

test.each([
  ["/api/pull", {}, "invalid model name"],
  ["/api/pull", { model: "../x" }, "invalid model name"],
  ["/api/push", {}, "model is required"],
])("%s with %j is a 400", async (path, body, error) => {
  await using server = await startApp();
  expect(await post(server, path, body)).toEqual([400, "application/json; charset=utf-8", [{ error }]]);
});

test("a pull without a stream ends with its last status", async () => {
  await using server = await startApp();
  using registry = standIn();
  registry.addModel("me/tiny:1", [bytesOf(1000, 1)]);
  const body = { model: `${registry.host}/me/tiny:1`, insecure: true, stream: false };
  expect(await post(server, "/api/pull", body)).toEqual([200, "application/json", [{ status: "success" }]]);
});

test("a client that goes away ends the download", async () => {
  await using server = await startApp();
  using registry = standIn();
  registry.addModel("me/tiny:1", [bytesOf(1_000_000, 1)]);
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  registry.fault = (_, seen) => {
    if (!seen.path.includes("/blobs/")) return undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        begun.resolve();
      },
      cancel: () => ended.resolve(),
    });
    return new Response(body);
  };
  const control = new AbortController();
  const pull = fetch(`${server.baseUrl}/api/pull`, {
    method: "POST",
    body: JSON.stringify({ model: `${registry.host}/me/tiny:1`, insecure: true }),
    signal: control.signal,
    proxy: false,
  }).then((answer) => answer.text());
  await begun.promise;
  control.abort();
  expect(await pull.catch(() => "gone")).toBe("gone");
  await ended.promise;
});
