// The gate before the real application: each route has its need, each caller its id, and what is not known is not run.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { KeyStore } from "../../src/access/key-store.ts";
import { Metrics } from "../../src/access/metrics.ts";
import { Turnstile } from "../../src/access/turnstile.ts";
import { UsageLedger } from "../../src/access/usage-ledger.ts";
import { readConfig } from "../../src/config.ts";
import { Gate } from "../../src/server/gate.ts";
import { currentRequest } from "../../src/server/request-context.ts";
import { needOf } from "../../src/server/route-needs.ts";
import { ndjsonResponse } from "../../src/server/stream.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

let home: TempHome;
let ledger: UsageLedger;
let gate: Gate;
let keys: KeyStore;
beforeEach(async () => {
  home = await tempHome();
  ledger = new UsageLedger(join(home.path, "usage.json"));
  keys = new KeyStore(home.path);
  const metrics = new Metrics(
    { inFlight: () => gate.inFlight, waiting: () => 0, models: () => [], remotes: () => Promise.resolve([]) },
    "0",
  );
  gate = new Gate({ config: readConfig({ HOME: home.path }), keys, ledger, metrics, turnstile: new Turnstile(1) });
});
afterEach(async () => {
  await ledger[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

function pass(
  route: string | undefined,
  answer: () => Promise<Response>,
  init: RequestInit = {},
  address = "127.0.0.1",
) {
  const path = route ?? "/nothing";
  const request = new Request(`http://localhost${path}`, { method: "POST", ...init });
  return gate.pass({ request, path, route, address }, answer);
}

const ok = () => Promise.resolve(new Response("ok"));

test("a route that is not listed counts as managing, for every method", async () => {
  expect(needOf("PUT", "/api/pull")).toBeUndefined();
  const refused = await pass("/api/new-route", ok, {}, "10.0.0.1");
  expect(refused.status).toBe(403);
});

test("what is answered knows its id, and the answer carries it", async () => {
  const seen: (string | undefined)[] = [];
  const answer = async () => {
    await Bun.sleep(0);
    seen.push(currentRequest()?.id);
    return new Response();
  };
  const responses = await Promise.all(
    ["a", "b"].map((id) => pass("/api/chat", answer, { headers: { "x-request-id": id } })),
  );
  expect(seen).toEqual(["a", "b"]);
  expect(responses.map(({ headers }) => headers.get("x-request-id"))).toEqual(["a", "b"]);
  expect(currentRequest()).toBeUndefined();
});

test("a stream is in flight until its last line, or until its client leaves", async () => {
  const { key, text } = await keys.create({ name: "k", scopes: ["infer"], limit: 1, budget: 0 });
  const authorization = { authorization: `Bearer ${text}` };
  const lines = async function* () {
    for (let line = 0; ; line++) yield line;
  };
  const stream = () => ndjsonResponse(lines(), (line) => line);
  const first = await pass("/api/chat", stream, { headers: authorization });
  expect(gate.inFlight).toBe(1);
  const abort = new AbortController();
  const second = pass("/api/chat", stream, { headers: authorization, signal: abort.signal });
  expect((await pass("/api/chat", stream, { headers: authorization })).status).toBe(503);
  await first.body?.cancel();
  expect((await second).status).toBe(200);
  abort.abort();
  const third = await pass("/api/chat", ok, { headers: authorization });
  expect(third.status).toBe(200);
  expect(gate.inFlight).toBe(0);
  expect(ledger.rows().find(({ who }) => who === key.id)?.requests).toBe(3);
});

test("draining waits for answers, not for transfers, and turns new requests away", async () => {
  const held = Promise.withResolvers<Response>();
  const answer = pass("/api/chat", () => held.promise);
  void pass("/api/pull", () => new Promise<Response>(() => {}));
  const drained = gate.drain(60_000);
  expect((await pass("/api/chat", ok)).status).toBe(503);
  expect(gate.readiness).toBe("draining");
  expect(gate.inFlight).toBe(2);
  held.resolve(new Response());
  expect((await answer).status).toBe(200);
  expect(await drained).toBe(0);
});

test("draining ends in time with what is left", async () => {
  void pass("/api/chat", () => new Promise<Response>(() => {}));
  expect(await gate.drain(20)).toBe(1);
});

test("an answer that fails is a refusal in its dialect, and is over", async () => {
  const response = await pass("/v1/chat/completions", () => Promise.reject(new Error("broken")));
  expect([response.status, await response.json()]).toEqual([
    500,
    { error: expect.objectContaining({ message: "broken" }) },
  ]);
  expect(gate.inFlight).toBe(0);
});
