// Routes that Ollama does not have, and those that lead to ollama.com there.

import { expect, test } from "bun:test";
import { localName, storedName } from "../../src/server/model-reference.ts";
import { ScriptedApp } from "./compat/scripted-app.ts";

test("tokenize and detokenize are each other's inverse", async () => {
  await using app = new ScriptedApp();
  const { body } = await app.json("/api/tokenize", { model: "scripted", text: "hi" });
  expect(body).toEqual({ model: "scripted", tokens: [104, 105] } as never);
  expect((await app.json("/api/detokenize", body)).body).toEqual({ model: "scripted", text: "hi" } as never);
});

test.each<[string, object, string]>([
  ["/api/tokenize", { text: "x" }, "model is required"],
  ["/api/detokenize", { model: "scripted", tokens: [-1] }, "tokens must be ids of the model's vocabulary"],
  ["/api/rerank", { model: "scripted", documents: ["a"] }, "query is required"],
  ["/api/rerank", { model: "scripted", query: "q" }, "documents is required"],
  [
    "/api/rerank",
    { model: "scripted", query: "q", documents: [1] },
    'documents[0] must be a text or an object with a "text"',
  ],
  ["/api/rerank", { model: "scripted", query: "q", documents: ["a"] }, '"scripted" does not support rerank'],
])("%s refuses %j", async (path, body, error) => {
  await using app = new ScriptedApp();
  expect(await app.json(path, body)).toMatchObject({ status: 400, body: { error } });
});

test("/v1/rerank refuses in OpenAI's shape", async () => {
  await using app = new ScriptedApp();
  const { body } = await app.json("/v1/rerank", { model: "scripted", query: "q", documents: [{ text: "a" }] });
  expect(body).toMatchObject({
    error: { message: '"scripted" does not support rerank', type: "invalid_request_error" },
  });
});

test("audio is refused in OpenAI's shape", async () => {
  await using app = new ScriptedApp();
  expect(await app.json("/v1/audio/transcriptions", {})).toMatchObject({
    status: 501,
    body: { error: { message: "audio is not supported: this build runs text models only", type: "api_error" } },
  });
});

test("/health answers", async () => {
  await using app = new ScriptedApp();
  expect(await (await app.fetch("/health")).json()).toEqual({ status: "ok" });
});

test.each([
  ["POST", "/api/me", 403, "ollama cloud is disabled: account is unavailable"],
  ["POST", "/api/signout", 401, "you are not currently signed in"],
  ["DELETE", "/api/user/keys/abc", 401, "you are not currently signed in"],
  ["POST", "/api/experimental/web_search", 403, "ollama cloud is disabled: web search is unavailable"],
  ["POST", "/api/experimental/web_fetch", 403, "ollama cloud is disabled: web fetch is unavailable"],
])("%s %s says that there is no cloud", async (method, path, status, error) => {
  await using app = new ScriptedApp();
  const response = await app.fetch(path, { method, body: "{}" });
  expect([response.status, await response.json()]).toEqual([status, { error }]);
});

test("a name's source suffix is read as Ollama reads it", () => {
  expect(localName("a:b").display).toBe("a:b");
  expect(localName(" a:b:LOCAL ").display).toBe("a:b");
  expect(localName("host:5000/n/a-cloud").display).toBe("host:5000/n/a-cloud:latest");
  for (const cloud of ["a:cloud", "a:7b-cloud", "a:Cloud"])
    expect(() => localName(cloud)).toThrow("ollama cloud is disabled");
  for (const none of ["", ":cloud", "a:-cloud", "a b:local"])
    expect(() => localName(none)).toThrow("invalid model name");
  expect(["a", "a:cloud", "a:b:Cloud", "a:b-cloud", "h:80/n/a:local"].map(storedName)).toEqual([
    "a",
    "a:cloud",
    "a:b-cloud",
    "a:b-cloud",
    "h:80/n/a",
  ]);
  expect(() => localName("a:cloud:local")).toThrow('use either :local or :cloud, not both: "a:cloud:local"');
});
