// Refusals as a real Ollama gives them, byte for byte (test/fixtures/native/refusals.json, recorded from version 0.33.0 on
// loopback without models and without a cloud): every route with fields of every JSON type, broken JSON, names of every form,
// and methods and paths that lead nowhere.

import { afterAll, beforeAll, expect, test } from "bun:test";
import recorded from "../fixtures/native/refusals.json";
import { type TestApp, testApp } from "./test-app.ts";

type BodyRow = readonly [body: string, status: number, answer: string];
type BareRow = readonly [
  method: string,
  path: string,
  status: number,
  type: string,
  allow: string,
  location: string,
  answer: string,
];

const bodies = recorded.bodies as unknown as Readonly<Record<string, readonly BodyRow[]>>;
const bare = recorded.bare as unknown as readonly BareRow[];

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app[Symbol.asyncDispose]());

test.each(Object.entries(bodies))("%s refuses bodies in Ollama's words", async (route, rows) => {
  const [method = "", path = ""] = route.split(" ");
  const ours: BodyRow[] = [];
  for (const [body] of rows) {
    const response = await app.post(path, body, method);
    ours.push([body, response.status, await response.text()]);
  }
  expect(ours).toEqual([...rows]);
});

test("methods and paths that lead nowhere are told as Ollama tells them", async () => {
  const ours: BareRow[] = [];
  for (const [method, path] of bare) {
    const response = await app.fetch(`http://127.0.0.1:11434${path}`, { method });
    const [type = "", allow = "", location = ""] = ["content-type", "allow", "location"].map(
      (name) => response.headers.get(name) ?? "",
    );
    // The runtime leaves the body of an answer to HEAD out.
    const text = method === "HEAD" ? "" : await response.text();
    ours.push([method, path, response.status, type, allow, location, text]);
  }
  expect(ours).toEqual([...bare]);
});
