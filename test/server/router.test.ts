// What a router owes: plain routes, HEAD, 404, 405, redirects, body limits (spec 2.01–2.04).

import { describe, expect, test } from "bun:test";
import { readText } from "../../src/server/body.ts";
import { VERSION } from "../../src/version.ts";
import { errorOf, testApp } from "./test-app.ts";

test("GET and HEAD answer alike, HEAD without a body", async () => {
  await using app = await testApp();
  for (const [path, body] of [
    ["/", "Ollama is running"],
    ["/api/version", `{"version":"${VERSION}"}`],
    ["/api/tags", '{"models":[]}'],
  ] as const) {
    const get = await app.fetch(path);
    const head = await app.fetch(path, { method: "HEAD" });
    expect([get.status, head.status]).toEqual([200, 200]);
    expect([await get.text(), await head.text()]).toEqual([body, ""]);
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    expect(head.headers.get("content-length")).toBe(String(body.length));
  }
  expect((await app.fetch("/")).headers.get("content-type")).toStartWith("text/plain");
  expect((await app.fetch("/api/version")).headers.get("content-type")).toBe("application/json; charset=utf-8");
});

test.each(["/nothing", "/api", "/api/chatter", "/API/chat", "/api/blobs", "/%2e%2e/x", "/%E0%A4%A4"])(
  "%p is not found, in plain text",
  async (path) => {
    await using app = await testApp();
    const response = await app.fetch(path);
    expect([response.status, await response.text()]).toEqual([404, "404 page not found"]);
    expect(response.headers.get("content-type")).toStartWith("text/plain");
  },
);

test.each(["/%zz", "/%E0%A4%A", "/api/version%", "/api/tags/%2"])("%p is no path", async (path) => {
  await using app = await testApp();
  const response = await app.fetch(path);
  expect([response.status, await response.text()]).toEqual([400, "400 Bad Request"]);
  expect(response.headers.get("connection")).toBe("close");
});

test.each([
  ["GET", "/api/chat", "POST"],
  ["PUT", "/api/generate", "POST"],
  ["POST", "/api/tags", "HEAD, GET"],
  ["DELETE", "/", "HEAD, GET"],
  ["POST", "/api/delete", "DELETE"],
  ["GET", `/api/blobs/sha256:${"a".repeat(64)}`, "HEAD, POST"],
  ["HEAD", "/api/ps", "GET"],
])("%s %s is the wrong method, and Allow names the right ones", async (method, path, allow) => {
  await using app = await testApp();
  const response = await app.fetch(path, { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  if (method !== "HEAD") expect(await response.text()).toBe("405 method not allowed");
});

test("a server with a name of few letters is reached by it", async () => {
  await using app = await testApp();
  for (const host of ["a", "vm", "nas", "tower:11434"]) {
    expect([host, (await app.fetch(`http://${host}/api/version`)).status]).toEqual([host, 200]);
    expect([host, (await app.fetch(`http://${host}/`)).status]).toEqual([host, 200]);
  }
});

test("a trailing slash too many redirects, keeping the query and for POST the method", async () => {
  await using app = await testApp();
  const get = await app.fetch("/api/tags/?x=1");
  expect([get.status, get.headers.get("location")]).toEqual([301, "/api/tags?x=1"]);
  expect(get.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await get.text()).toBe('<a href="/api/tags?x=1">Moved Permanently</a>.\n\n');
  const post = await app.fetch("/api/chat/", { method: "POST", body: "{}" });
  expect([post.status, post.headers.get("location"), await post.text()]).toEqual([307, "/api/chat", ""]);
  const wrong = await app.fetch("/api/chat/", { method: "PUT", body: "{}" });
  expect([wrong.status, await wrong.text()]).toEqual([404, "404 page not found"]);
});

test("a path is decoded once, and cleaned by a redirect", async () => {
  await using app = await testApp();
  for (const path of ["/api/versio%6e", "/api%2Fversion", "/%61%70%69/version"]) {
    const { status } = await app.fetch(path);
    expect([path, status]).toEqual([path, 200]);
  }
  for (const path of ["/api/versio%256e", "/api/blobs/x%2F..%2F..%2Fversion", "/v1/models/..%2F.."]) {
    const { status } = await app.fetch(path);
    expect([path, status]).toEqual([path, 404]);
  }
  expect((await app.fetch("/api/%74ags%2F")).headers.get("location")).toBe("/api/tags");
  const digest = `sha256%3A${"a".repeat(64)}`;
  expect(await errorOf(await app.fetch(`/api/blobs/${digest}`, { method: "POST", body: "x" }))).toEqual([
    400,
    expect.stringMatching(/^digest mismatch, expected "sha256:a{64}", got "sha256:2d71/),
  ]);
  for (const [path, location] of [
    ["//api//version", "/api/version"],
    ["/api/version//?a=1&b=2", "/api/version/?a=1&b=2"],
    ["//evil.example/%2F", "/evil.example/%2F"],
  ] as const) {
    const get = await app.fetch(`http://127.0.0.1:11434${path}`);
    expect([path, get.status, get.headers.get("location")]).toEqual([path, 307, location]);
    expect(await get.text()).toBe(`<a href="${location.replace("&", "&amp;")}">Temporary Redirect</a>.\n\n`);
    const post = await app.fetch(`http://127.0.0.1:11434${path}`, { method: "POST", body: "{}" });
    expect([post.status, post.headers.get("location"), await post.text()]).toEqual([307, location, ""]);
  }
});

describe("bodies", () => {
  test("need no content type, may have more behind the first value, and any letter case", async () => {
    await using app = await testApp();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json"]) {
      const init = { method: "POST", body: '{"MODEL":"x"} trailing', headers: { "content-type": type } };
      expect(await errorOf(await app.fetch("/api/show", init))).toEqual([404, "model 'x:latest' not found"]);
    }
  });
  test.each(["/api/chat", "/api/generate", "/api/show", "/api/create", "/api/copy"])("%s without one", async (path) => {
    await using app = await testApp();
    expect(await errorOf(await app.fetch(path, { method: "POST" }))).toEqual([400, "missing request body"]);
    expect(await errorOf(await app.post(path, "  "))).toEqual([400, "missing request body"]);
    expect(await errorOf(await app.post(path, "{,"))).toEqual([
      400,
      "invalid character ',' looking for beginning of object key string",
    ]);
  });
  test("of the wrong type are refused in Go's words", async () => {
    await using app = await testApp();
    expect(await errorOf(await app.post("/api/chat", { model: 5 }))).toEqual([
      400,
      "json: cannot unmarshal number into Go struct field ChatRequest.model of type string",
    ]);
  });
  test("that are too large are refused by their declared and by their real size", async () => {
    const declared = new Request("http://h/", { method: "POST", body: "x", headers: { "content-length": "1000" } });
    expect(readText(declared, 100)).rejects.toThrow("request body is larger than 100 bytes");
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(60)) });
    const streamed = new Request("http://h/", { method: "POST", body: endless });
    expect(readText(streamed, 100)).rejects.toThrow("request body is larger than 100 bytes");
    expect(await readText(new Request("http://h/", { method: "POST", body: "x".repeat(100) }), 100)).toHaveLength(100);
  });
});
