// Answers of the small real model as a real Ollama gives them, byte for byte but for times, durations and the digits of
// probabilities (test/fixtures/native/answers.json, recorded from version 0.33.0 at temperature 0, few tokens each): chunks and
// the order of their fields, counts, reasons, contexts, rendered prompts, refusals that need a model.

import { afterAll, beforeAll, expect, test } from "bun:test";
import recorded from "../fixtures/native/answers.json";
import type { TestServer } from "../support/server.ts";
import { smallModelServer } from "./small-model-server.ts";

interface Row {
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const rows: readonly Row[] = recorded;

let server: TestServer;
beforeAll(async () => {
  server = await smallModelServer();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

/** Fields of ours are left out, as clients pass over them. */
function comparable(text: string): string {
  return text
    .replace(/"created_at":"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"created_at":"T"')
    .replace(/"((?:total|load|prompt_eval|eval)_duration)":\d+/g, '"$1":0')
    .replace(/"logprob":-?[\d.e-]+/g, '"logprob":0')
    .replace(/,"(?:prompt_cached|draft|draft_accepted)_count":\d+/g, "");
}

test.each(rows)("$path $body", async ({ path, body, status, type, text }) => {
  const response = await fetch(server.baseUrl + path, { method: "POST", body, proxy: false });
  expect(comparable(await response.text())).toBe(text);
  expect([response.status, response.headers.get("content-type")]).toEqual([status, type]);
});
