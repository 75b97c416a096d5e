// The program against Debian's docker-registry: push, pull into an empty home and compare every byte, with tokens, with
// TLS, behind a proxy that spoils answers, killed at random moments, and with a blob much larger than memory may grow.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash, createPrivateKey, randomBytes, sign } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../../src/base/digest.ts";
import { CONFIG_TYPE, MANIFEST_TYPE } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { ModelStore } from "../../src/models/store.ts";
import { partialBytes } from "../../src/registry/parts-file.ts";
import { type DockerRegistry, requireDockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { type FaultProxy, faultProxy } from "../support/fault-proxy.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

interface Line {
  readonly status?: string;
  readonly digest?: string;
  readonly total?: number;
  readonly completed?: number;
  readonly error?: string;
}

const WEIGHTS_BYTES = 100_000_000;
const MODEL = "me/big:1";
const LIMIT_MS = 60_000;

let folder: string;
let docker: DockerRegistry;
let proxy: FaultProxy;
let pusher: TestServer;
let weightsDigest: string;

beforeAll(async () => {
  requireDockerRegistry();
  folder = await mkdtemp(join(tmpdir(), "registry-e2e-"));
  makeCertificate(folder);
  docker = await startDockerRegistry();
  proxy = faultProxy(`http://${docker.host}`);
  pusher = await startServer();
  weightsDigest = await storeModel(pusher, `${proxy.host}/${MODEL}`, randomBytes(WEIGHTS_BYTES));
  expect((await call(pusher, "push", `${proxy.host}/${MODEL}`)).at(-1)).toEqual({ status: "success" });
}, 90_000);

afterAll(async () => {
  await pusher[Symbol.asyncDispose]();
  proxy[Symbol.dispose]();
  await docker[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function makeCertificate(into: string): void {
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", join(into, "key.pem"), "-out", join(into, "cert.pem")];
  const made = Bun.spawnSync([
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    ...files,
    ...subject,
  ]);
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
}

/** Puts a model straight into a server's store: what it is made of does not matter here. */
async function storeModel(server: TestServer, name: string, weights: Uint8Array): Promise<string> {
  const store = new ModelStore(server.home.modelsDir);
  const layer = await store.blobs.put(weights);
  const config = await store.blobs.put('{"model_format":"gguf"}');
  await store.write(ModelName.parse(name), {
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
    layers: [{ mediaType: "application/vnd.ollama.image.model", digest: layer.digest, size: layer.size }],
  });
  return layer.digest;
}

async function call(server: TestServer, verb: "pull" | "push", model: string, insecure = true): Promise<Line[]> {
  const response = await fetch(`${server.baseUrl}/api/${verb}`, {
    method: "POST",
    body: JSON.stringify({ model, insecure }),
    proxy: false,
  });
  const text = await response.text();
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

async function expectSame(puller: Pick<TestServer, "home">, name: string, from: TestServer = pusher): Promise<void> {
  const [here, there] = [puller, from].map(({ home }) => new ModelStore(home.modelsDir));
  const parsed = ModelName.parse(name);
  if (here === undefined || there === undefined) throw new Error("two stores are compared");
  expect(await readFile(here.manifestPath(parsed))).toEqual(await readFile(there.manifestPath(parsed)));
  const model = await here.find(parsed);
  for (const { digest } of [...(model?.manifest.layers ?? [])]) {
    const [a, b] = await Promise.all([here, there].map(({ blobs }) => readFile(blobs.path(digest))));
    expect(a !== undefined && b !== undefined && a.equals(b)).toBe(true);
  }
}

test(
  "a model pushed by one server and pulled by another is the same, byte for byte, with Ollama's lines",
  async () => {
    await using puller = await startServer();
    const lines = await call(puller, "pull", `${proxy.host}/${MODEL}`);
    expect(lines.at(-1)).toEqual({ status: "success" });
    await expectSame(puller, `${proxy.host}/${MODEL}`);
    const counts = lines.filter((line) => line.digest === weightsDigest).map((line) => line.completed ?? 0);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    proxy.blobBytes = 0;
    expect((await call(puller, "pull", `${proxy.host}/${MODEL}`)).at(-1)).toEqual({ status: "success" });
    expect(proxy.blobBytes).toBe(0);
  },
  LIMIT_MS,
);

const faults: readonly (readonly [
  name: string,
  every: (n: number, whole: Response, request: Request) => Promise<Response>,
])[] = [
  ["cuts connections", async (n, whole) => (n % 2 === 0 ? cut(whole, 3_000_000) : whole)],
  [
    "answers 429 and 500",
    async (n, whole) => (n % 3 === 0 ? whole : new Response("later", { status: n % 3 === 1 ? 429 : 500 })),
  ],
  [
    "ignores ranges",
    async (_, __, request) => fetch(`http://${docker.host}${new URL(request.url).pathname}`, { proxy: false }),
  ],
  ["starts slowly", async (_, whole) => Bun.sleep(500).then(() => whole)],
  ["sends wrong bytes once", async (n, whole) => (n === 1 ? changed(whole) : whole)],
  [
    "redirects within the registry",
    async (n, whole, request) => (n === 1 ? Response.redirect(`${request.url}?again`, 307) : whole),
  ],
];

/** Half-way through, the connection ends although more was announced. */
function cut(whole: Response, afterBytes: number): Response {
  let passed = 0;
  const stop = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      passed += chunk.byteLength;
      controller.enqueue(chunk);
      if (passed > afterBytes) controller.terminate();
    },
  });
  return new Response(whole.body?.pipeThrough(stop) ?? null, { status: whole.status, headers: whole.headers });
}

function changed(whole: Response): Response {
  const flip = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => controller.enqueue(chunk.map((byte) => byte ^ 1)),
  });
  return new Response(whole.body?.pipeThrough(flip) ?? null, { status: whole.status, headers: whole.headers });
}

test.each(faults)(
  "a pull arrives whole behind a proxy that %s",
  async (_, every) => {
    await using puller = await startServer();
    let n = 0;
    proxy.spoil = (request, forward) => {
      const isWeights = request.method === "GET" && request.url.includes(weightsDigest);
      return isWeights ? forward().then((whole) => every(n++, whole, request)) : undefined;
    };
    try {
      expect((await call(puller, "pull", `${proxy.host}/${MODEL}`)).at(-1)).toEqual({ status: "success" });
    } finally {
      proxy.spoil = undefined;
    }
    expect(n).toBeGreaterThan(0);
    await expectSame(puller, `${proxy.host}/${MODEL}`);
  },
  LIMIT_MS,
);

test(
  "a pull whose server is killed ten times, at any moment, ends with the same model",
  async () => {
    await using home = await startServer();
    const { HOME = "", OLLAMA_MODELS = "" } = home.env;
    const shared = { HOME, OLLAMA_MODELS };
    for (let kill = 0; kill < 10; kill++) {
      await using server = await startServer({ env: { ...shared, OLLAMA_DOWNLOAD_LIMIT: "30MB/s" } });
      const pull = call(server, "pull", `${proxy.host}/${MODEL}`).catch(() => []);
      // The moment itself is what is tried: before the manifest, between parts, in the middle of one, at the end.
      await Bun.sleep(Math.random() * 400);
      await server.kill();
      await pull;
    }
    await using last = await startServer({ env: shared });
    expect((await call(last, "pull", `${proxy.host}/${MODEL}`)).at(-1)).toEqual({ status: "success" });
    await expectSame(home, `${proxy.host}/${MODEL}`);
  },
  LIMIT_MS,
);

test(
  "a server killed at random moments resumes, having lost little of what it had",
  async () => {
    await using home = await startServer();
    const { HOME = "", OLLAMA_MODELS = "" } = home.env;
    const shared = { HOME, OLLAMA_MODELS };
    const blob = new ModelStore(home.home.modelsDir).blobs.path(weightsDigest as Digest);
    const kept = [0];
    for (let kill = 0; kill < 3; kill++) {
      await using server = await startServer({ env: { ...shared, OLLAMA_DOWNLOAD_LIMIT: "40MB/s" } });
      const wanted = (kept.at(-1) ?? 0) + 18e6 + Math.random() * 6e6;
      const told = await toldUntil(server, `${proxy.host}/${MODEL}`, (completed) => completed >= wanted);
      await server.kill();
      kept.push(await partialBytes(blob, WEIGHTS_BYTES));
      // What was not yet written down as being on the disk.
      expect(told - (kept.at(-1) ?? 0)).toBeLessThanOrEqual(16e6);
    }
    expect(kept).toEqual(kept.toSorted((x, y) => x - y));
    expect(kept.at(-1)).toBeGreaterThan(6e6);
    await using last = await startServer({ env: shared });
    proxy.blobBytes = 0;
    expect((await call(last, "pull", `${proxy.host}/${MODEL}`)).at(-1)).toEqual({ status: "success" });
    await expectSame(home, `${proxy.host}/${MODEL}`);
    expect(proxy.blobBytes).toBeLessThan(WEIGHTS_BYTES);
  },
  LIMIT_MS,
);

/** Pulls, and leaves the pull running as soon as `enough` holds of the bytes that it tells of. */
async function toldUntil(server: TestServer, model: string, enough: (completed: number) => boolean): Promise<number> {
  const body = JSON.stringify({ model, insecure: true });
  const response = await fetch(`${server.baseUrl}/api/pull`, { method: "POST", body, proxy: false });
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the pull ended before enough was told: ${text.slice(-200)}`);
    text += Buffer.from(value).toString("utf8");
    const lines = text.split("\n").slice(0, -1);
    const completed = (JSON.parse(lines.at(-1) ?? "{}") as Line).completed ?? 0;
    if (enough(completed)) return completed;
  }
}

test(
  "a registry with token sign-in takes a push and gives a pull",
  async () => {
    const names = { service: "test-registry", issuer: "test-issuer" };
    const authorizations: (string | null)[] = [];
    const port = new URL(proxy.origin).port;
    await using registry = await startDockerRegistry({
      token: { realm: `http://127.0.0.1:${port}/token`, ...names, certPath: join(folder, "cert.pem") },
    });
    const token = await tokenMaker(names);
    proxy.spoil = (request) => {
      const url = new URL(request.url);
      if (url.pathname === "/token") {
        authorizations.push(request.headers.get("authorization"));
        return Response.json({ token: token(url.searchParams.getAll("scope")) });
      }
      return fetch(`http://${registry.host}${url.pathname}${url.search}`, {
        method: request.method,
        headers: request.headers,
        proxy: false,
        ...(request.body === null ? {} : { body: request.body }),
      });
    };
    try {
      await storeModel(pusher, `${proxy.host}/me/signed:1`, randomBytes(300_000));
      expect((await call(pusher, "push", `${proxy.host}/me/signed:1`)).at(-1)).toEqual({ status: "success" });
      await using puller = await startServer();
      expect((await call(puller, "pull", `${proxy.host}/me/signed:1`)).at(-1)).toEqual({ status: "success" });
      await expectSame(puller, `${proxy.host}/me/signed:1`);
      const keys = await Promise.all(
        [pusher, puller].map(({ home }) => readFile(join(home.path, ".ollama/id_ed25519.pub"), "utf8")),
      );
      for (const key of keys)
        expect(authorizations.some((header) => header?.startsWith(`${key.split(" ")[1]?.trim()}:`))).toBe(true);
    } finally {
      proxy.spoil = undefined;
    }
  },
  LIMIT_MS,
);

/** Makes tokens as the registry's token server would: RS256, the certificate in the header. */
async function tokenMaker({
  service,
  issuer,
}: {
  service: string;
  issuer: string;
}): Promise<(scopes: string[]) => string> {
  const [keyText, certText] = await Promise.all(
    ["key.pem", "cert.pem"].map((name) => readFile(join(folder, name), "utf8")),
  );
  const key = createPrivateKey(keyText ?? "");
  const certificate = (certText ?? "").replace(/-----[A-Z ]+-----|\s/g, "");
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return (scopes) => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.flatMap((scope) => {
      const [type, name, actions = ""] = scope.split(":");
      return name === undefined ? [] : [{ type, name, actions: actions.split(",") }];
    });
    const times = { exp: now + 600, nbf: now - 60, iat: now };
    const claims = { iss: issuer, sub: "test", aud: service, ...times, jti: randomBytes(8).toString("hex"), access };
    const text = `${part({ typ: "JWT", alg: "RS256", x5c: [certificate] })}.${part(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
  };
}

test(
  "a registry with TLS on a private address needs its certificate and a place in the allow list; create pulls from it",
  async () => {
    const certificate = { certPath: join(folder, "cert.pem"), keyPath: join(folder, "key.pem") };
    await using registry = await startDockerRegistry({ certificate });
    await using trusting = await startServer({
      env: { SSL_CERT_FILE: certificate.certPath, OLLAMA_REGISTRY_ALLOW: registry.host },
    });
    const name = `${registry.host}/me/tls:1`;
    await storeModel(trusting, name, tinyGguf("llama"));
    expect((await call(trusting, "push", name, false)).at(-1)).toEqual({ status: "success" });
    await using doubting = await startServer({ env: { OLLAMA_REGISTRY_ALLOW: registry.host } });
    expect((await call(doubting, "pull", name, false)).at(-1)?.error).toContain("tls: failed to verify certificate");
    await using strict = await startServer({ env: { SSL_CERT_FILE: certificate.certPath } });
    expect((await call(strict, "pull", name, false)).at(-1)?.error).toContain("is on a private address");
    await using puller = await startServer({
      env: { SSL_CERT_FILE: certificate.certPath, OLLAMA_REGISTRY_ALLOW: registry.host },
    });
    const created = await fetch(`${puller.baseUrl}/api/create`, {
      method: "POST",
      body: JSON.stringify({ model: "mine", from: name, system: "Be kind." }),
      proxy: false,
    });
    expect(await created.text()).toContain('{"status":"pulling manifest"}');
    await expectSame(puller, name, trusting);
  },
  LIMIT_MS,
);

test(
  "a model that came by push and pull answers a prompt",
  async () => {
    await using puller = await startServer();
    const gguf = tinyGguf("llama");
    const digest = `sha256:${createHash("sha256").update(gguf).digest("hex")}`;
    const post = (server: TestServer, path: string, body: string | Buffer<ArrayBuffer>) =>
      fetch(`${server.baseUrl}${path}`, { method: "POST", body, proxy: false });
    await post(pusher, `/api/blobs/${digest}`, Buffer.from(gguf));
    const model = `${proxy.host}/me/tiny:1`;
    await (await post(pusher, "/api/create", JSON.stringify({ model, files: { "tiny.gguf": digest } }))).text();
    expect((await call(pusher, "push", model)).at(-1)).toEqual({ status: "success" });
    expect((await call(puller, "pull", model)).at(-1)).toEqual({ status: "success" });
    const asked = await post(
      puller,
      "/api/generate",
      JSON.stringify({ model, prompt: "a", stream: false, options: { num_predict: 2 } }),
    );
    expect(await asked.json()).toMatchObject({ done: true });
  },
  LIMIT_MS,
);

test(
  "memory stays flat while a blob of 2 GB arrives",
  async () => {
    const sizeBytes = 2_000_000_000;
    const path = join(folder, "zeros");
    await writeFile(path, "");
    await truncate(path, sizeBytes);
    const hash = createHash("sha256");
    const zeros = Buffer.alloc(10_000_000);
    for (let i = 0; i < sizeBytes / zeros.length; i++) hash.update(zeros);
    const digest = `sha256:${hash.digest("hex")}`;
    const configText = "{}";
    const configDigest = `sha256:${createHash("sha256").update(configText).digest("hex")}`;
    const manifest = JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: CONFIG_TYPE, digest: configDigest, size: configText.length },
      layers: [{ mediaType: "application/vnd.ollama.image.model", digest, size: sizeBytes }],
    });
    proxy.spoil = (request) => {
      if (request.url.includes("/manifests/"))
        return new Response(manifest, { headers: { "content-type": MANIFEST_TYPE } });
      if (request.url.includes(configDigest)) return new Response(configText);
      const [start = 0, end = 0] =
        /(\d+)-(\d+)/
          .exec(request.headers.get("range") ?? "")
          ?.slice(1)
          .map(Number) ?? [];
      return new Response(Bun.file(path).slice(start, end + 1), {
        status: 206,
        headers: { "content-range": `bytes ${start}-${end}/${sizeBytes}` },
      });
    };
    await using puller = await startServer();
    // Without the pages of the executable, which count as resident once they are used.
    const rss = async () =>
      Number(/RssAnon:\s+(\d+)/.exec(await readFile(`/proc/${puller.pid}/status`, "utf8"))?.[1]) * 1024;
    // One pull of nothing first, so that what is loaded once is not counted.
    await call(puller, "pull", "127.0.0.1:9/none/none");
    const idle = await rss();
    let most = idle;
    const watch = setInterval(() => void rss().then((now) => (most = Math.max(most, now))), 50);
    try {
      expect((await call(puller, "pull", `${proxy.host}/me/zeros:1`)).at(-1)).toEqual({ status: "success" });
    } finally {
      clearInterval(watch);
      proxy.spoil = undefined;
    }
    expect((most - idle) / 2 ** 20).toBeLessThan(64);
  },
  LIMIT_MS,
);
