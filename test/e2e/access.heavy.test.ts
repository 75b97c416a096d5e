// Who may do what, against the executable: from this machine and from another one (its own address beyond loopback), without keys and
// with them, in every dialect; and what a shutdown, a full queue and a broken-off answer do.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import OpenAI, { AuthenticationError } from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { NativeClient, until } from "./native-client.ts";
import { outsideUrl } from "./outside.ts";

const LIMIT_MS = 90_000;
/** Noise that takes longer than any of these tests. */
const ENDLESS = {
  raw: true,
  grammar: "root ::= x{400}\nx ::= [a-z]{400}",
  options: { num_predict: -1, num_ctx: 512 },
};

async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; body: string; headers: Headers }> {
  const response = await fetch(url, { ...init, proxy: false });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

async function newKey(server: TestServer, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, exit } = await runProgram(["key", "create", ...args], { env: server.env });
  if (exit !== 0) throw new Error(stderr);
  return stdout.trim();
}

function bearer(key: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${key}` } };
}

const MANAGING: readonly (readonly [method: string, path: string])[] = [
  ["POST", "/api/pull"],
  ["POST", "/api/push"],
  ["POST", "/api/create"],
  ["POST", "/api/copy"],
  ["DELETE", "/api/delete"],
  ["HEAD", `/api/blobs/sha256:${"a".repeat(64)}`],
  ["POST", `/api/blobs/sha256:${"a".repeat(64)}`],
];
const ASKING = ["/api/generate", "/api/chat", "/api/embed", "/v1/chat/completions", "/v1/messages", "/v1/responses"];
const READING = ["/", "/api/tags", "/api/ps", "/api/version", "/v1/models", "/openapi.json"];

describe("beyond loopback without keys", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ hostname: "0.0.0.0" });
    await new NativeClient(server).createTiny("m", "llama");
  }, LIMIT_MS);
  afterAll(() => server[Symbol.asyncDispose]());

  test("the start says loudly that nothing protects the server, and ps says it beside its table", async () => {
    expect(server.log()).toContain("NO API KEY PROTECTS THIS SERVER");
    const { stdout, stderr } = await runProgram(["ps"], { env: server.env });
    expect(stdout).toStartWith("NAME ");
    expect(stderr).toContain("can be reached from other machines and asks for no API key");
    const { body } = await ask(`${server.baseUrl}/api/status`);
    expect(JSON.parse(body)).toMatchObject({ access: { exposed: true, keys_required: false, keys: 0 } });
  });

  test.each(MANAGING)(
    "%s %s is refused to another machine with the command and the setting, and not here",
    async (method, path) => {
      const there = await ask(outsideUrl(server) + path, { method });
      expect(there.status).toBe(403);
      if (method !== "HEAD") {
        expect(there.body).toContain("ollama key create");
        expect(there.body).toContain("OLLAMA_REMOTE_MANAGEMENT");
      }
      expect([401, 403]).not.toContain((await ask(server.baseUrl + path, { method })).status);
    },
  );

  test.each(["x-forwarded-for", "forwarded", "x-real-ip", "via"])(
    "%s takes the rights of this machine away and gives none",
    async (name) => {
      const init = { method: "POST", headers: { [name]: "127.0.0.1" } };
      expect((await ask(`${server.baseUrl}/api/copy`, init)).status).toBe(403);
      expect((await ask(`${outsideUrl(server)}/api/copy`, init)).status).toBe(403);
    },
  );

  test.each(["/api/%70ull", "//api/pull", "/api/pull/", "/API/PULL", "/api/./pull", "/api/pull;x", "/api/pull%2f"])(
    "no spelling of a path slips by: %s",
    async (path) => {
      const { status } = await ask(outsideUrl(server) + path, {
        method: "POST",
        body: '{"model":"m"}',
        redirect: "manual",
      });
      expect([307, 403, 404]).toContain(status);
    },
  );

  test(
    "another machine may list, show and ask, in every dialect",
    async () => {
      for (const path of READING) expect([path, (await ask(outsideUrl(server) + path)).status]).toEqual([path, 200]);
      for (const path of ASKING) {
        const { status } = await ask(outsideUrl(server) + path, { method: "POST", body: '{"model":"nope"}' });
        expect([path, [400, 404]]).toEqual([path, expect.arrayContaining([status])]);
      }
      const client = new NativeClient({ baseUrl: outsideUrl(server) });
      expect((await client.generate("m", "hi")).done_reason).toMatch(/stop|length/);
    },
    LIMIT_MS,
  );

  test("metrics and the set-up are for this machine", async () => {
    expect((await ask(`${outsideUrl(server)}/metrics`)).status).toBe(403);
    expect((await ask(`${outsideUrl(server)}/api/status`)).body).not.toContain("access");
    expect((await ask(`${server.baseUrl}/metrics`)).headers.get("content-type")).toStartWith(
      "text/plain; version=0.0.4",
    );
  });
});

test(
  "OLLAMA_REMOTE_MANAGEMENT lets other machines manage, and only a clear yes does",
  async () => {
    await using open = await startServer({ hostname: "0.0.0.0", env: { OLLAMA_REMOTE_MANAGEMENT: "1" } });
    expect((await ask(`${outsideUrl(open)}/api/copy`, { method: "POST", body: "{}" })).status).toBe(400);
    expect(open.log()).toContain("and pull, create and delete models");
    await using shut = await startServer({ hostname: "0.0.0.0", env: { OLLAMA_REMOTE_MANAGEMENT: "maybe" } });
    expect((await ask(`${outsideUrl(shut)}/api/copy`, { method: "POST", body: "{}" })).status).toBe(403);
    expect(shut.log()).toContain("OLLAMA_REMOTE_MANAGEMENT=maybe is neither true nor false");
  },
  LIMIT_MS,
);

describe("with keys", () => {
  let server: TestServer;
  let infer: string;
  let manage: string;
  beforeAll(async () => {
    server = await startServer({ hostname: "0.0.0.0" });
    await new NativeClient(server).createTiny("m", "llama");
    infer = await newKey(server, "asker");
    manage = await newKey(server, "admin", "--scope", "manage");
  }, LIMIT_MS);
  afterAll(() => server[Symbol.asyncDispose]());

  test("CVE-2025-63389: without one every route but health and readiness is 401, from anywhere, in its dialect's shape", async () => {
    for (const base of [server.baseUrl, outsideUrl(server)]) {
      for (const path of [...READING, "/metrics", "/api/usage", "/nothing"]) {
        const { status, headers } = await ask(base + path);
        expect([path, status, headers.get("www-authenticate")]).toEqual([path, 401, 'Bearer realm="ollama"']);
      }
      for (const [method, path] of MANAGING)
        expect([path, (await ask(base + path, { method })).status]).toEqual([path, 401]);
      for (const path of ASKING)
        expect([path, (await ask(base + path, { method: "POST" })).status]).toEqual([path, 401]);
      for (const path of ["/health", "/ready"])
        expect([path, (await ask(base + path)).status]).not.toEqual([path, 401]);
    }
    const openAI = JSON.parse((await ask(`${server.baseUrl}/v1/models`)).body) as { error: object };
    expect(openAI.error).toMatchObject({ type: "invalid_request_error", code: "invalid_api_key" });
    const anthropic = JSON.parse((await ask(`${server.baseUrl}/v1/messages`, { method: "POST" })).body) as {
      error: object;
    };
    expect(anthropic).toMatchObject({ type: "error", error: { type: "authentication_error" } });
  });

  test("a scope opens its own routes only", async () => {
    for (const [method, path] of MANAGING) {
      expect([path, (await ask(server.baseUrl + path, { method, ...bearer(infer) })).status]).toEqual([path, 403]);
      const { status } = await ask(server.baseUrl + path, { method, ...bearer(manage) });
      expect([path, [400, 404].includes(status)]).toEqual([path, true]);
    }
    for (const path of ASKING) {
      expect([path, (await ask(server.baseUrl + path, { method: "POST", ...bearer(manage) })).status]).toEqual([
        path,
        403,
      ]);
    }
    expect((await ask(`${server.baseUrl}/metrics`, bearer(infer))).status).toBe(403);
    expect((await ask(`${server.baseUrl}/metrics`, bearer(manage))).status).toBe(200);
    const watcher = await newKey(server, "prometheus", "--scope", "metrics");
    expect((await ask(`${server.baseUrl}/metrics`, bearer(watcher))).status).toBe(200);
    expect((await ask(`${server.baseUrl}/api/chat`, { method: "POST", ...bearer(watcher) })).status).toBe(403);
  });

  test(
    "the clients of three houses send it as they do",
    async () => {
      const messages = [{ role: "user" as const, content: "hi" }];
      const openai = new OpenAI({ baseURL: `${outsideUrl(server)}/v1`, apiKey: infer });
      expect((await openai.chat.completions.create({ model: "m", messages, max_tokens: 4 })).choices).toHaveLength(1);
      const anthropic = new Anthropic({ baseURL: outsideUrl(server), apiKey: infer });
      expect((await anthropic.messages.create({ model: "m", messages, max_tokens: 4 })).role).toBe("assistant");
      const ollama = new Ollama({ host: outsideUrl(server), ...bearer(infer) });
      expect((await ollama.chat({ model: "m", messages, options: { num_predict: 4 } })).done).toBe(true);
      const wrong = new OpenAI({ baseURL: `${outsideUrl(server)}/v1`, apiKey: "ollama", maxRetries: 0 });
      const refused: unknown = await wrong.models.list().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(AuthenticationError);
    },
    LIMIT_MS,
  );

  test(
    "our commands need none here as the account that owns the keys, and OLLAMA_API_KEY elsewhere",
    async () => {
      const list = (env: Record<string, string>) => runProgram(["list"], { env: { ...server.env, ...env } });
      expect((await list({})).stdout).toContain("m:latest");
      const elsewhere = { OLLAMA_HOST: outsideUrl(server) };
      expect((await list(elsewhere)).stderr).toContain("set OLLAMA_API_KEY");
      expect((await list({ ...elsewhere, OLLAMA_API_KEY: infer })).stdout).toContain("m:latest");
      expect(await list({ OLLAMA_API_KEY: "nonsense" })).toMatchObject({ exit: 1, stdout: "" });
      // Another account on this machine has another home.
      await using other = await tempHome();
      expect((await list({ HOME: other.path })).stderr).toContain("set OLLAMA_API_KEY");
      const made = await runProgram(["key", "create"], { env: { ...server.env, HOME: other.path } });
      expect(made.stderr).toContain("does not know this key");
    },
    LIMIT_MS,
  );

  test(
    "a key that is revoked stops working at the next request, without a restart",
    async () => {
      const key = await newKey(server, "short");
      expect((await ask(`${server.baseUrl}/api/tags`, bearer(key))).status).toBe(200);
      expect((await runProgram(["key", "revoke", "short"], { env: server.env })).exit).toBe(0);
      const { status, body } = await ask(`${server.baseUrl}/api/tags`, bearer(key));
      expect([status, body]).toEqual([401, expect.stringContaining("may have been revoked")]);
    },
    LIMIT_MS,
  );

  test(
    "a key that is revoked ends what is being answered for it within a second, and nothing else",
    async () => {
      const key = await newKey(server, "leaver");
      const abort = new AbortController();
      const endless = (auth: string, more: object = {}) =>
        fetch(`${server.baseUrl}/api/generate`, {
          method: "POST",
          body: JSON.stringify({ model: "m", prompt: "go", ...ENDLESS, ...more }),
          signal: abort.signal,
          ...bearer(auth),
          proxy: false,
        });
      const [streamed, other] = await Promise.all([endless(key), endless(infer)]);
      const whole = endless(key, { stream: false });
      const otherReader = other.body?.getReader();
      await otherReader?.read();
      expect((await runProgram(["key", "revoke", "leaver"], { env: server.env })).exit).toBe(0);
      const startMs = performance.now();
      const reason = 'the API key "leaver" was revoked while it was in use';
      expect((await streamed.text()).trimEnd().split("\n").at(-1)).toBe(JSON.stringify({ error: reason }));
      const refused = await whole;
      expect([refused.status, await refused.json()]).toEqual([401, { error: reason }]);
      // One second is the promise; the rest is for a busy machine.
      expect(performance.now() - startMs).toBeLessThan(4000);
      expect((await otherReader?.read())?.done).toBe(false);
      abort.abort();
    },
    LIMIT_MS,
  );

  test(
    "neither a key nor a prompt is ever in the log, nor a key's text on the disk",
    async () => {
      const body = JSON.stringify({
        model: "m",
        prompt: "the secret of the sphinx",
        options: { num_predict: 2 },
        stream: false,
      });
      const { headers } = await ask(`${server.baseUrl}/api/generate`, {
        method: "POST",
        body,
        headers: { ...bearer(infer).headers, "x-request-id": "my-request.1" },
      });
      expect(headers.get("x-request-id")).toBe("my-request.1");
      expect(server.log()).toMatch(
        /level=INFO msg=request request=my-request\.1 method=POST path=\/api\/generate status=200 .*key=asker/,
      );
      for (const secret of [infer, manage, "sphinx"]) expect(server.log()).not.toContain(secret);
      const { stdout } = await runProgram(["key", "list"], { env: server.env });
      expect(stdout).not.toContain(infer);
      const id = /asker +([0-9a-f]{8})/.exec(stdout)?.[1] ?? "";
      expect(await readFile(join(server.home.path, ".ollama/keys", `${id}.json`), "utf8")).not.toContain(
        infer.slice(-20),
      );
    },
    LIMIT_MS,
  );

  test.each(["a b", "x".repeat(200), "<script>"])("a request id that is not sane is replaced: %s", async (sent) => {
    const { headers } = await ask(`${server.baseUrl}/health`, { headers: { "x-request-id": sent } });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test(
  "OLLAMA_KEYLESS_LOOPBACK lets programs here in, whatever key they make up, and nobody else",
  async () => {
    await using server = await startServer({ hostname: "0.0.0.0", env: { OLLAMA_KEYLESS_LOOPBACK: "1" } });
    await newKey(server, "any");
    expect((await ask(`${server.baseUrl}/api/tags`)).status).toBe(200);
    expect((await ask(`${server.baseUrl}/api/tags`, bearer("ollama"))).status).toBe(200);
    expect((await ask(`${server.baseUrl}/api/tags`, { headers: { "x-forwarded-for": "1.2.3.4" } })).status).toBe(401);
    expect((await ask(`${outsideUrl(server)}/api/tags`)).status).toBe(401);
  },
  LIMIT_MS,
);

describe("limits of a key", () => {
  let home: TempHome;
  let server: TestServer;
  beforeAll(async () => {
    home = await tempHome();
    server = await startServer({ home, env: { OLLAMA_MAX_QUEUE: "2" } });
    await new NativeClient(server).createTiny("m", "llama");
  }, LIMIT_MS);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  test(
    "past its limit requests wait, past the queue they get 503 with Retry-After, and another key is not held up",
    async () => {
      const key = await newKey(server, "one-at-a-time", "--limit", "1");
      const other = await newKey(server, "free");
      const body = JSON.stringify({ model: "m", prompt: "go", ...ENDLESS });
      const abort = new AbortController();
      const start = (auth: string) =>
        fetch(`${server.baseUrl}/api/generate`, {
          method: "POST",
          body,
          signal: abort.signal,
          ...bearer(auth),
          proxy: false,
        });
      const first = await start(key);
      const later = [start(key), start(key)];
      for (const each of later) each.catch(() => undefined);
      await until("two wait", async () => /^ollama_requests_waiting 2$/m.test(await metricsOf(server)));
      const refused = await start(key);
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await refused.text()).toContain("has 1 requests running, its limit, and 2 waiting");
      expect((await start(other)).status).toBe(200);
      abort.abort();
      await first.body?.cancel().catch(() => undefined);
      await Promise.allSettled(later);
      const short = JSON.stringify({ model: "m", prompt: "go", options: { num_predict: 2 }, stream: false });
      await until("the places are free again", async () => {
        const again = await ask(`${server.baseUrl}/api/generate`, { method: "POST", body: short, ...bearer(key) });
        return again.status === 200;
      });
    },
    LIMIT_MS,
  );

  test(
    "a budget ends in 429 with the time until it is new, in each dialect's shape, and survives kill -9",
    async () => {
      const key = await newKey(server, "poor", "--budget", "30");
      const body = JSON.stringify({
        model: "m",
        prompt: "a b c",
        raw: true,
        options: { num_predict: 40, seed: 1 },
        stream: false,
      });
      const spend = () => ask(`${server.baseUrl}/api/generate`, { method: "POST", body, ...bearer(key) });
      let last = await spend();
      for (let turn = 0; last.status === 200 && turn < 20; turn++) last = await spend();
      expect([last.status, last.body]).toEqual([
        429,
        expect.stringContaining('the API key \\"poor\\" has used its 30 tokens of today'),
      ]);
      expect(Number(last.headers.get("retry-after"))).toBeWithin(1, 86_401);
      const messages = [{ role: "user", content: "hi" }];
      const post = (path: string) =>
        ask(server.baseUrl + path, {
          method: "POST",
          body: JSON.stringify({ model: "m", messages, max_tokens: 4 }),
          ...bearer(key),
        });
      expect(JSON.parse((await post("/v1/chat/completions")).body)).toMatchObject({
        error: { code: "insufficient_quota" },
      });
      expect(JSON.parse((await post("/v1/messages")).body)).toMatchObject({ error: { type: "rate_limit_error" } });
      expect((await ask(`${server.baseUrl}/api/tags`, bearer(key))).status).toBe(200);
      const own = await runProgram(["usage"], { env: { ...server.env, OLLAMA_API_KEY: key } });
      expect(own.stdout).toMatch(/^NAME .*\npoor +[0-9a-f]{8} +\d+ +\d+ +30 +0 /);
      expect(own.stdout).not.toContain("one-at-a-time");
      expect((await runProgram(["usage"], { env: server.env })).stdout).toContain("one-at-a-time");
      await until(
        "it is on the disk",
        async () =>
          (await readFile(join(home.path, `.ollama/usage-${server.port}.json`), "utf8").catch(() => "")) !== "",
      );
      await Bun.sleep(1500); // the record is written a second after the last change
      await server.kill();
      const { port } = server;
      server = await startServer({ home, port, env: { OLLAMA_MAX_QUEUE: "2" } });
      expect((await spend()).status).toBe(429);
    },
    LIMIT_MS,
  );
});

async function metricsOf({ baseUrl, env }: TestServer): Promise<string> {
  const watcher = await watcherKey(env);
  return (await ask(`${baseUrl}/metrics`, bearer(watcher))).body;
}

const watchers = new Map<string, string>();
/** One key a home. */
async function watcherKey(env: Readonly<Record<string, string>>): Promise<string> {
  const home = env["HOME"] ?? "";
  const known = watchers.get(home);
  if (known !== undefined) return known;
  const { stdout } = await runProgram(["key", "create", "watcher", "--scope", "metrics"], { env });
  watchers.set(home, stdout.trim());
  return stdout.trim();
}
