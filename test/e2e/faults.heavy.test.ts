// What goes wrong on real machines: full and read-only disks, files that cannot be read, no descriptors left, runners that
// hang or run out of memory. Each time: a clear error, the other models go on, and all is well again without a restart.

import { expect, test } from "bun:test";
import { chmod, readdir, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { digestOf } from "../../src/base/digest.ts";
import { processFacts } from "../../src/base/process-facts.ts";
import { impossible } from "../support/figures.ts";
import { makeEndless } from "../support/endless-function.ts";
import { fakeMemory, fullFolders, smallDisk, unprivileged } from "../support/faults.ts";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { leftovers, storeState } from "../support/store-state.ts";
import { tempHome } from "../support/temp-home.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { created, uploadSmallModel } from "./small-model-server.ts";
import { childrenOf, isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const LONG = { num_predict: 4000, num_ctx: 2048, temperature: 1, seed: 3 };

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => String(error),
  );
}

async function works(client: NativeClient, model: string): Promise<void> {
  expect((await client.generate(model, "hi")).done_reason).toMatch(/stop|length/);
}

async function upload(client: NativeClient, bytes: Uint8Array): Promise<string> {
  const response = await client.fetch(`/api/blobs/${digestOf(bytes)}`, { method: "POST", body: bytes });
  return `${response.status} ${await response.text()}`;
}

test(
  "a full disk refuses uploads and creates with the reason, leaves nothing half-done, and takes them once there is room",
  async () => {
    using disk = smallDisk(6 * MIB);
    if (disk === undefined) return impossible("no file system can be mounted here");
    await using server = await startServer({ env: { OLLAMA_MODELS: join(disk.path, "models") } });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(4 * MIB));
    const big = Buffer.alloc(3 * MIB, 7);
    expect(await upload(client, big)).toMatch(/^500 .*no space left on device/i);
    await writeFile(ballast, Buffer.alloc(8 * MIB)).catch(() => {});
    expect(await failure(client.ask("/api/create", { model: "n", from: "m", system: "new text" }))).toMatch(
      /no space left on device/i,
    );
    expect(await failure(client.ask("/api/copy", { source: "m", destination: "twin" }))).toMatch(/no space left/i);
    await works(client, "m");
    expect(await storeState(join(disk.path, "models"))).toEqual({ models: ["m:latest"], damage: [] });
    expect(await leftovers(join(disk.path, "models"))).toEqual([]);
    await rm(ballast);
    expect(await upload(client, big)).toStartWith("201");
    await client.ask("/api/create", { model: "n", from: "m", system: "new text" });
    await works(client, "n");
  },
  LIMIT_MS,
);

test(
  "no room for the libraries is told by the request that needs them, and forgotten when there is room",
  async () => {
    const launcher = fullFolders(["/var/tmp", "/dev/shm"]);
    using disk = smallDisk(300 * MIB);
    if (disk === undefined || launcher === undefined) return impossible("no file system can be mounted here");
    if ((process.env["OLLAMA_BINARY"] ?? "") === "") return impossible("only the executable unpacks libraries");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(299 * MIB));
    const env = { XDG_CACHE_HOME: join(disk.path, "cache"), TMPDIR: disk.path };
    await using server = await startServer({ launcher, env });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    expect(await failure(client.generate("m", "hi"))).toContain(
      "no directory can hold the inference libraries; set XDG_CACHE_HOME to a writable one",
    );
    await rm(ballast);
    await works(client, "m");
  },
  LIMIT_MS,
);

test(
  "libraries that somebody removed are unpacked again for the next load",
  async () => {
    await using server = await startServer();
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await works(client, "m");
    await client.generate("m", "", {}, { keep_alive: 0 });
    await rm(join(server.home.path, "cache/ollama/lib"), { recursive: true, force: true });
    await works(client, "m");
  },
  LIMIT_MS,
);

test(
  "a store that became read-only refuses changes with the reason and goes on serving",
  async () => {
    await using home = await tempHome();
    const launcher = unprivileged(home.path);
    if (launcher === undefined) return impossible("nobody may not run this program here");
    await using server = await startServer({ home, launcher });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    const folders = [
      home.modelsDir,
      ...(await readdir(home.modelsDir, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name)),
    ];
    for (const folder of folders) await chmod(folder, 0o555);
    const changes = [
      () => client.ask("/api/create", { model: "n", from: "m", system: "text" }),
      () => client.ask("/api/copy", { source: "m", destination: "twin" }),
      async () => {
        const response = await client.fetch("/api/delete", { method: "DELETE", body: '{"model":"m"}' });
        throw new Error(`${response.status} ${await response.text()}`);
      },
    ];
    for (const change of changes) expect(await failure(change())).toMatch(/5\d\d .*permission denied/i);
    expect(await upload(client, Buffer.from("new"))).toMatch(/^500 .*permission denied/i);
    await works(client, "m");
    for (const folder of folders) await chmod(folder, 0o755);
    await client.ask("/api/create", { model: "n", from: "m", system: "text" });
    await works(client, "n");
  },
  LIMIT_MS,
);

test(
  "a models directory that cannot be written ends the start with its path and what to do",
  async () => {
    await using home = await tempHome();
    const launcher = unprivileged(home.path);
    if (launcher === undefined) return impossible("nobody may not run this program here");
    await chmod(home.path, 0o555);
    const { exit, stderr } = await runProgram(["serve"], {
      env: { ...home.env, OLLAMA_HOST: "127.0.0.1:0" },
      launcher,
    });
    expect(exit).toBe(1);
    expect(stderr).toContain(`the models directory ${home.modelsDir} is not writable`);
    expect(stderr).toContain("set OLLAMA_MODELS");
    await chmod(home.path, 0o755);
  },
  LIMIT_MS,
);

test(
  "weights and manifests that cannot be read cost their own model alone",
  async () => {
    await using home = await tempHome();
    const launcher = unprivileged(home.path);
    if (launcher === undefined) return impossible("nobody may not run this program here");
    await using server = await startServer({ home, launcher });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama", 1);
    await client.createTiny("other", "llama", 2);
    const weights = join(home.modelsDir, "blobs", digestOf(tinyGguf("llama", 1)).replace(":", "-"));
    const manifest = join(home.modelsDir, "manifests/registry.ollama.ai/library/m/latest");
    for (const file of [weights, manifest]) {
      await chmod(file, 0o000);
      expect(await failure(client.generate("m", "hi"))).toMatch(/^Error: 500 .*permission denied/i);
      await works(client, "other");
      const { models } = (await (await client.fetch("/api/tags")).json()) as { models: { name: string }[] };
      expect(models.map(({ name }) => name)).toContain("other:latest");
      await chmod(file, 0o644);
      await works(client, "m");
      await client.generate("m", "", {}, { keep_alive: 0 });
    }
  },
  LIMIT_MS,
);

test(
  "weights that were cut on disk are refused before a runner reads them",
  async () => {
    await using server = await startServer();
    const client = new NativeClient(server);
    await client.createTiny("m", "llama", 1);
    await client.createTiny("other", "llama", 2);
    const bytes = tinyGguf("llama", 1);
    const weights = join(server.home.modelsDir, "blobs", digestOf(bytes).replace(":", "-"));
    await writeFile(weights, bytes.subarray(0, bytes.length / 2));
    expect(await failure(client.generate("m", "hi"))).toMatch(/is damaged .*instead of/);
    await works(client, "other");
    await writeFile(weights, bytes);
    await works(client, "m");
  },
  LIMIT_MS,
);

test(
  "without descriptors the server waits for some instead of dying, and answers when there are",
  async () => {
    if (Bun.which("prlimit") === null) return impossible("no prlimit here");
    await using server = await startServer({ launcher: ["prlimit", "--nofile=64:64"] });
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await works(client, "m");
    const sockets = Array.from({ length: 120 }, () => connect(server.port, "127.0.0.1").on("error", () => {}));
    await Promise.race([Bun.sleep(1500), Promise.all(sockets.map(connected))]);
    for (const socket of sockets) socket.write("GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await Bun.sleep(500);
    expect(isAlive(server.pid)).toBe(true);
    for (const socket of sockets) socket.destroy();
    await until("a new connection is answered", async () => {
      const answer = await client.fetch("/api/version", { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
      return answer?.ok === true;
    });
    await works(client, "m");
  },
  LIMIT_MS,
);

test(
  "without descriptors what open connections ask for is answered or refused with the reason, and works when there are some",
  async () => {
    if (Bun.which("prlimit") === null) return impossible("no prlimit here");
    await using server = await startServer();
    const client = new NativeClient(server);
    await client.createTiny("m", "llama", 1);
    await client.createTiny("cold", "llama", 2);
    await works(client, "m");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const generate = (model: string) =>
      askOver(agent, server.port, "/api/generate", { model, prompt: "hi", stream: false, options: { num_predict: 4 } });
    expect(await generate("m")).toStartWith("200");
    allowDescriptors(server.pid, lowestFree(server.pid));
    const create = { model: "n", from: "m", system: "text", stream: false };
    // What is known of a loaded model needs no file, unless its manifest is too young to be remembered.
    const asked = [generate("m"), generate("cold"), askOver(agent, server.port, "/api/create", create)];
    const [known, ...others] = await Promise.all(asked);
    expect(known).toMatch(/^200 |^500 .*too many (?:open files|files open)/i);
    for (const other of others) expect(other).toMatch(/^500 .*too many (?:open files|files open)/i);
    allowDescriptors(server.pid, 1024);
    expect(await generate("m")).toStartWith("200");
    expect(await generate("cold")).toStartWith("200");
    expect(await askOver(agent, server.port, "/api/create", create)).toStartWith("200");
    expect(await storeState(server.home.modelsDir)).toMatchObject({ damage: [] });
    agent.destroy();
  },
  LIMIT_MS,
);

/** The number that the next opened file would get. */
function lowestFree(pid: number): number {
  const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  for (let number = 0; ; number++) if (!used.has(number)) return number;
}

function allowDescriptors(pid: number, count: number): void {
  expect(Bun.spawnSync(["prlimit", "--pid", String(pid), `--nofile=${count}:`]).exitCode).toBe(0);
}

/** Status and text of the answer over the agent's one connection. */
function askOver(agent: Agent, port: number, path: string, body: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ agent, port, host: "127.0.0.1", path, method: "POST", timeout: 20_000 }, (response) => {
      let text = `${response.statusCode} `;
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject);
    asked.end(JSON.stringify(body));
  });
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("connect", () => resolve()).once("close", () => resolve()));
}

async function untilComputing(pid: number): Promise<void> {
  const before = processFacts(pid)?.progress ?? 0;
  await until("the runner computes", () => (processFacts(pid)?.progress ?? 0) > before + 50);
}

async function runnersByModel(server: TestServer, client: NativeClient): Promise<{ m: number; other: number }> {
  await client.createTiny("m", "llama", 1);
  await client.createTiny("other", "llama", 2);
  await works(client, "m");
  const [m = 0] = await childrenOf(server.pid);
  await works(client, "other");
  const other = (await childrenOf(server.pid)).find((pid) => pid !== m) ?? 0;
  return { m, other };
}

test.skipIf(process.platform !== "linux")(
  "a runner that hangs is ended, its request told so, the others unaffected, and the next request loads it anew",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "2s" } });
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    const stuck = failure(client.generate("m", "go", LONG, { raw: true }));
    process.kill(m, "SIGSTOP");
    await works(client, "other");
    expect(await stuck).toMatch(
      /model runner has unexpectedly stopped, it neither answered nor computed for 2 seconds/,
    );
    expect(isAlive(m)).toBe(false);
    await works(client, "m");
    await works(client, "other");
  },
  LIMIT_MS,
);

test.skipIf(process.platform !== "linux")(
  "a runner that computes for ever is ended, its requests told so, the others unaffected, and the next request loads it anew",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "500ms" } });
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    if (!makeEndless(m, "libllama.", "llama_decode")) return impossible("another process cannot be written to here");
    const abort = new AbortController();
    const left = failure(client.ask("/api/generate", { model: "m", prompt: "never", keep_alive: -1 }, abort.signal));
    const stuck = failure(client.generate("m", "go"));
    await untilComputing(m);
    const alsoStuck = failure(client.ask("/api/tokenize", { model: "m", text: "words" }));
    abort.abort();
    await left;
    await works(client, "other");
    for (const each of [stuck, alsoStuck]) {
      expect(await each).toMatch(
        /runner has unexpectedly stopped, it computed for 5(?:\.\d)? seconds without getting anywhere/,
      );
    }
    expect(isAlive(m)).toBe(false);
    expect(server.log()).toContain("a runner hung and was ended");
    await works(client, "m");
    await works(client, "other");
  },
  LIMIT_MS,
);

test(
  "a runner that says nothing to a request for long, but gets on, is left alone",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "300ms" } });
    const client = new NativeClient(server);
    await client.createTiny("e", "bert");
    // More than ten times that long: all vectors come at the end.
    const input = Array.from({ length: 3_000 }, (_, i) => `text ${i} ${"word ".repeat(40)}`);
    const { embeddings } = await client.ask<{ embeddings: unknown[] }>("/api/embed", { model: "e", input });
    expect(embeddings).toHaveLength(input.length);
    expect(server.log()).not.toContain("a runner hung");
  },
  LIMIT_MS,
);

test.skipIf(process.platform !== "linux")(
  "a runner that computes for ever for a client that went away is ended all the same",
  async () => {
    await using server = await startServer({ env: { OLLAMA_STALL_TIMEOUT: "300ms", OLLAMA_KEEP_ALIVE: "-1" } });
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    if (!makeEndless(m, "libllama.", "llama_decode")) return impossible("another process cannot be written to here");
    const abort = new AbortController();
    const left = failure(client.ask("/api/generate", { model: "m", prompt: "never" }, abort.signal));
    await untilComputing(m);
    abort.abort();
    await left;
    await until("it is ended", () => !isAlive(m));
    await works(client, "m");
  },
  LIMIT_MS,
);

test(
  "a model that memory is too short for is refused with the figures, puts no other out, and loads once there is room",
  async () => {
    using memory = fakeMemory(8 * GIB);
    if (memory === undefined) return impossible("no file can be mounted over /proc/meminfo here");
    await using server = await startServer({ launcher: memory.launcher });
    const client = new NativeClient(server);
    await created(server, "large", await uploadSmallModel(server));
    await client.createTiny("small", "llama");
    await works(client, "small");
    const before = await childrenOf(server.pid);
    memory.setAvailable(16 * MIB);
    for (let turn = 0; turn < 2; turn++) {
      expect(await failure(client.generate("large", "hi"))).toMatch(
        /^Error: 500 .*model requires more system memory \(\d{3} MB\) than is available \(16 MB\); \d{3} MB are missing: close other programs/,
      );
      await works(client, "small");
    }
    expect(await childrenOf(server.pid)).toEqual(before);
    const answers = failure(client.generate("small", "go", LONG));
    expect(await failure(client.generate("large", "hi"))).toContain("requires more system memory");
    expect(await answers).toBe("no error");
    memory.setAvailable(4 * GIB);
    await works(client, "large");
    await works(client, "small");
  },
  LIMIT_MS,
);

test(
  "a runner that is ended for want of memory costs its own requests, and is loaded anew",
  async () => {
    if (Bun.which("prlimit") === null) return impossible("no prlimit here");
    await using server = await startServer();
    const client = new NativeClient(server);
    const { m } = await runnersByModel(server, client);
    const status = await Bun.file(`/proc/${m}/status`).text();
    const reservedBytes = Number(/^VmData:\s+(\d+)/m.exec(status)?.[1]) * 1024;
    expect(Bun.spawnSync(["prlimit", "--pid", String(m), `--data=${reservedBytes}`]).exitCode).toBe(0);
    const many = Array.from({ length: 8 }, (_, i) =>
      failure(client.generate("m", `${i} word `.repeat(300), { num_ctx: 2048, num_predict: 50 })),
    );
    for (const outcome of await Promise.all(many)) {
      expect(outcome).toMatch(/no error|500 .*(memory|unexpectedly stopped|could not|context)/);
    }
    await works(client, "other");
    await until("the model is loaded anew", async () => (await failure(works(client, "m"))) === "no error");
  },
  LIMIT_MS,
);
