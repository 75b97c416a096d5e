// Names and digests that once led out of the models directory, against every route that takes one.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { upload } from "../models/temp-store.ts";
import { type TestApp, testApp } from "./test-app.ts";

let app: TestApp;

beforeAll(async () => {
  app = await testApp();
  await app.addModel("tiny", "llama");
});

afterAll(() => app[Symbol.asyncDispose]());

const names = [
  "../../x",
  "a/../../../etc/passwd",
  "%2e%2e/x",
  "a\\b",
  "/etc/passwd",
  "x".repeat(10_000),
  "tiny:..",
  "a\0b",
];

test.each(names)("CVE-2024-39722: the name %.40j is refused alike by every route", async (name) => {
  const requests: readonly (readonly [path: string, body: unknown, method?: string])[] = [
    ["/api/push", { model: name, stream: false }],
    ["/api/pull", { model: name, stream: false }],
    ["/api/show", { model: name }],
    ["/api/copy", { source: name, destination: "y" }],
    ["/api/copy", { source: "tiny", destination: name }],
    ["/api/delete", { model: name }, "DELETE"],
    ["/api/create", { model: name, from: "tiny" }],
    ["/api/create", { model: "y", from: name, stream: false }],
  ];
  for (const [path, body, method] of requests) {
    const answer = await app.post(path, body, method);
    const text = await answer.text();
    expect([path, answer.status >= 400]).toEqual([path, true]);
    expect(text).not.toContain(app.store.directory);
    expect(text).not.toContain("no such file");
  }
  expect((await app.store.list()).map((model) => model.name.display)).toEqual(["tiny:latest"]);
});

test("o#13223: an empty digest is refused without a path in the answer", async () => {
  const answer = await app.post("/api/create", { model: "y", files: { "0.gguf": "" } });
  expect([answer.status, await answer.text()]).toEqual([400, expect.not.stringContaining("/")]);
});

test.each(["../x", "sha256:../../x", "sha256-abc", "%2e%2e%2fx", `sha256:${"a".repeat(65)}`])(
  "CVE-2024-37032: the digest %j is no blob to ask for or to send",
  async (digest) => {
    for (const method of ["HEAD", "POST"]) {
      const answer = await app.fetch(`/api/blobs/${encodeURIComponent(digest)}`, {
        method,
        ...(method === "POST" ? { body: "x" } : {}),
      });
      expect([method, [400, 404].includes(answer.status)]).toEqual([method, true]);
    }
  },
);

test("CVE-2024-45436: a zip archive is no model", async () => {
  const digest = await upload(app.store, Buffer.from("PK\x03\x04 and more that no archive of ours would hold"));
  const answer = await app.post("/api/create", { model: "y", files: { "m.zip": digest }, stream: false });
  expect(answer.status).toBe(400);
});

test("CVE-2024-39719: a path as a file's digest says the same whether or not the path exists", async () => {
  const say = async (path: string) => {
    const answer = await app.post("/api/create", { model: "y", files: { "m.gguf": path }, stream: false });
    return [answer.status, await answer.text()];
  };
  expect(await say("/etc/passwd")).toEqual(await say("/etc/no-such-file"));
});
