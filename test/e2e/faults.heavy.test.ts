// What goes wrong on real machines: full and read-only disks, files that cannot be read, no descriptors left (runners that
// hang or run out of memory: runner-faults). Each time: a clear error, the other models go on, and all is well again without a restart.

import { expect, test } from "bun:test";
import { chmod, readdir, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { digestOf } from "../../src/base/digest.ts";
import { impossible } from "../support/figures.ts";
import { failure, fullFolders, smallDisk, unprivileged } from "../support/faults.ts";
import { runProgram } from "../support/program.ts";
import { startServer } from "../support/server.ts";
import { leftovers, storeState } from "../support/store-state.ts";
import { tempHome } from "../support/temp-home.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;

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
    await client.works("m");
    expect(await storeState(join(disk.path, "models"))).toEqual({ models: ["m:latest"], damage: [] });
    expect(await leftovers(join(disk.path, "models"))).toEqual([]);
    await rm(ballast);
    expect(await upload(client, big)).toStartWith("201");
    await client.ask("/api/create", { model: "n", from: "m", system: "new text" });
    await client.works("n");
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
    await client.works("m");
  },
  LIMIT_MS,
);

test(
  "libraries that somebody removed are unpacked again for the next load",
  async () => {
    await using server = await startServer();
    const client = new NativeClient(server);
    await client.createTiny("m", "llama");
    await client.works("m");
    await client.generate("m", "", {}, { keep_alive: 0 });
    await rm(join(server.home.path, "cache/ollama/lib"), { recursive: true, force: true });
    await client.works("m");
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
    await client.works("m");
    for (const folder of folders) await chmod(folder, 0o755);
    await client.ask("/api/create", { model: "n", from: "m", system: "text" });
    await client.works("n");
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
      await client.works("other");
      const { models } = (await (await client.fetch("/api/tags")).json()) as { models: { name: string }[] };
      expect(models.map(({ name }) => name)).toContain("other:latest");
      await chmod(file, 0o644);
      await client.works("m");
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
    await client.works("other");
    await writeFile(weights, bytes);
    await client.works("m");
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
    await client.works("m");
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
    await client.works("m");
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
    await client.works("m");
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
