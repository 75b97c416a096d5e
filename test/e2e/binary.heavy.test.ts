// The executable by itself: no sibling files, any directory, empty and read-only homes, libraries unpacked once and
// checked, and clear words when it cannot start.

import { describe, expect, test } from "bun:test";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../support/program.ts";
import { freePort, startServer } from "../support/server.ts";
import { tempHome } from "../support/temp-home.ts";
import { NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 90_000;
const binary = process.env["OLLAMA_BINARY"] ?? join(import.meta.dir, "../../dist/ollama");
if (!existsSync(binary)) throw new Error(`${binary} is missing: run npm run build first`);
process.env["OLLAMA_BINARY"] = binary;

async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "binary-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Lets a server answer one prompt, which needs the unpacked libraries. */
async function answersAPrompt(env: Record<string, string> = {}): Promise<string> {
  await using server = await startServer({ env });
  const client = new NativeClient(server);
  await client.createTiny("m", "llama");
  await client.generate("m", "hi");
  return server.log();
}

test(
  "a copy of it alone answers in an empty home, from a directory that nobody can write",
  async () => {
    await using directory = await temporaryDirectory();
    await using home = await tempHome();
    const copy = join(directory.path, "renamed");
    await copyFile(binary, copy);
    await chmod(copy, 0o755);
    const cwd = join(directory.path, "read-only");
    await mkdir(cwd, { mode: 0o555 });
    const child = Bun.spawn([copy, "--version"], { cwd, env: { HOME: home.path }, stdout: "pipe", stderr: "pipe" });
    expect(await new Response(child.stdout).text()).toContain(
      "Warning: could not connect to a running Ollama instance",
    );
    expect(await child.exited).toBe(0);
    expect(await readdir(cwd)).toEqual([]);
  },
  LIMIT_MS,
);

test(
  "settings files of the user's directory do not leak into it",
  async () => {
    await using directory = await temporaryDirectory();
    await using home = await tempHome();
    const port = await freePort();
    await writeFile(join(directory.path, ".env"), `OLLAMA_HOST=127.0.0.1:${port}\nNODE_OPTIONS=--nonsense\n`);
    await writeFile(join(directory.path, ".env.production"), `OLLAMA_HOST=127.0.0.1:${port}\n`);
    await writeFile(join(directory.path, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    await writeFile(join(directory.path, "evil.ts"), 'require("node:fs").writeFileSync("leaked", "")\n');
    await writeFile(join(directory.path, "package.json"), "{ broken");
    await writeFile(join(directory.path, "tsconfig.json"), "{ broken");
    const other = await freePort();
    const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${other}` };
    const result = await runProgram(["list"], { env, cwd: directory.path });
    expect([result.exit, result.stderr]).toEqual([
      1,
      "Error: could not connect to ollama server, run 'ollama serve' to start it\n",
    ]);
    expect(existsSync(join(directory.path, "leaked"))).toBe(false);
    // With no OLLAMA_HOST in the real environment the file's one must not be used either.
    const server = Bun.serve({ port, hostname: "127.0.0.1", fetch: () => new Response("Ollama is running") });
    try {
      const reached: string[] = [];
      server.reload({ fetch: (request) => (reached.push(request.url), Response.json({ models: [] })) });
      await runProgram(["list"], { env: home.env, cwd: directory.path });
      expect(reached).toEqual([]);
    } finally {
      await server.stop(true);
    }
  },
  LIMIT_MS,
);

describe("the libraries", () => {
  const libraryFolder = async (cache: string): Promise<string> => {
    const lib = join(cache, "ollama/lib");
    const [name = "", ...others] = (await readdir(lib)).filter((entry) => !entry.startsWith("."));
    expect(others).toEqual([]);
    return join(lib, name);
  };

  test(
    "are unpacked once into a private folder, and what is damaged there is replaced",
    async () => {
      await using cache = await temporaryDirectory();
      const env = { XDG_CACHE_HOME: cache.path };
      await answersAPrompt(env);
      const folder = await libraryFolder(cache.path);
      expect((await stat(join(cache.path, "ollama/lib"))).mode & 0o077).toBe(0);
      const files = await readdir(folder);
      const first = await stat(join(folder, files[0] ?? ""));
      await answersAPrompt(env);
      expect((await stat(join(folder, files[0] ?? ""))).mtimeMs).toBe(first.mtimeMs);
      const victim = join(folder, files.find((name) => name.includes("llama")) ?? "");
      await chmod(victim, 0o700);
      await writeFile(victim, "damaged");
      await answersAPrompt(env);
      expect((await stat(victim)).size).toBeGreaterThan(100_000);
      expect(await readdir(join(cache.path, "ollama/lib"))).toHaveLength(1);
    },
    LIMIT_MS,
  );

  test(
    "are safe when four first starts happen at once",
    async () => {
      await using cache = await temporaryDirectory();
      const env = { XDG_CACHE_HOME: cache.path };
      const logs = await Promise.all(Array.from({ length: 4 }, () => answersAPrompt(env)));
      for (const log of logs) expect(log).toContain(join(cache.path, "ollama/lib"));
      await libraryFolder(cache.path);
    },
    LIMIT_MS,
  );

  test(
    "go elsewhere when the cache cannot be written",
    async () => {
      await using cache = await temporaryDirectory();
      await using other = await temporaryDirectory();
      const blocked = join(cache.path, "file");
      await writeFile(blocked, "");
      const log = await answersAPrompt({ XDG_CACHE_HOME: blocked, TMPDIR: other.path });
      expect(log).toContain(`directory=${other.path}`);
    },
    LIMIT_MS,
  );

  test(
    "are proved by a run in a child, and the verdict is remembered",
    async () => {
      await using cache = await temporaryDirectory();
      const env = { XDG_CACHE_HOME: cache.path };
      await answersAPrompt(env);
      const path = join(cache.path, "ollama/cpu-library.json");
      const verdict = (await Bun.file(path).json()) as { key: string; library: string };
      expect(verdict.library).toMatch(/ggml-cpu-/);
      // One for another machine or library set, or one that names no library, is not believed.
      for (const broken of [
        "{",
        JSON.stringify({ key: "other", library: "x" }),
        JSON.stringify({ ...verdict, library: "../evil.so" }),
      ]) {
        await writeFile(path, broken);
        await answersAPrompt(env);
        expect(await Bun.file(path).json()).toEqual(verdict);
      }
    },
    LIMIT_MS,
  );
});

describe("it says in one line, with exit code 1, why it cannot", () => {
  test(
    "listen where something listens already",
    async () => {
      await using home = await tempHome();
      const busy = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("other program") });
      try {
        const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${busy.port}` };
        const { exit, stderr } = await runProgram(["serve"], { env, limitMs: 30_000 });
        const last = stderr
          .trimEnd()
          .split("\n")
          .filter((line) => line.startsWith("Error: "));
        expect([exit, last]).toEqual([1, [`Error: listen tcp 127.0.0.1:${busy.port}: bind: address already in use`]]);
      } finally {
        await busy.stop(true);
      }
    },
    LIMIT_MS,
  );
  test.each([
    ["nohost.invalid:4321", "listen tcp: lookup nohost.invalid: no such host"],
    ["192.0.2.1:4321", "listen tcp 192.0.2.1:4321: bind: cannot assign requested address"],
  ])(
    "listen at %s",
    async (host, said) => {
      await using home = await tempHome();
      const env = { ...home.env, OLLAMA_HOST: host };
      const { exit, stderr } = await runProgram(["serve"], { env, limitMs: 30_000 });
      expect([exit, stderr.trimEnd().split("\n").at(-1)]).toEqual([1, `Error: ${said}`]);
    },
    LIMIT_MS,
  );
  test(
    "write to its models directory",
    async () => {
      await using home = await tempHome();
      const file = join(home.path, "file");
      await writeFile(file, "");
      const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${await freePort()}`, OLLAMA_MODELS: join(file, "models") };
      const { exit, stderr } = await runProgram(["serve"], { env, limitMs: 30_000 });
      const errors = stderr
        .trimEnd()
        .split("\n")
        .filter((line) => line.startsWith("Error: "));
      expect(exit).toBe(1);
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(`the models directory ${join(file, "models")} is not writable`);
    },
    LIMIT_MS,
  );
  test(
    "show an unknown model",
    async () => {
      await using server = await startServer();
      const { exit, stderr } = await runProgram(["show", "nothing"], { env: server.env });
      expect([exit, stderr]).toEqual([1, "Error: model 'nothing:latest' not found\n"]);
    },
    LIMIT_MS,
  );
  test(
    "accept an origin that can match nothing",
    async () => {
      await using home = await tempHome();
      const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${await freePort()}`, OLLAMA_ORIGINS: "example.com" };
      const { exit, stderr } = await runProgram(["serve"], { env, limitMs: 30_000 });
      expect([exit, stderr.includes('Error: OLLAMA_ORIGINS: "example.com" is no origin')]).toEqual([1, true]);
    },
    LIMIT_MS,
  );
});

test(
  "a server that is starting ends at once when it is told to",
  async () => {
    await using home = await tempHome();
    const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${await freePort()}` };
    const child = Bun.spawn([binary, "serve"], { env, stdout: "ignore", stderr: "pipe" });
    const reader = child.stderr.getReader();
    let log = "";
    while (!log.includes("Listening")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`it ended before it listened: ${log}`);
      log += new TextDecoder().decode(value);
    }
    child.kill("SIGTERM");
    await until("it has ended", () => child.exitCode !== null || child.signalCode !== null, 5_000);
    expect(child.exitCode).toBe(0);
  },
  LIMIT_MS,
);
