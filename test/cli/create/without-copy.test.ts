// `create` where the command line may write the server's store: no second copy, and a changed original is found out.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { constants } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AppServer, startApp } from "../../support/app-server.ts";
import { runCli } from "../../support/cli.ts";
import type { Finished } from "../../support/program.ts";
import { tinyGguf } from "../../support/tiny-gguf.ts";

const content = tinyGguf("llama");
const longAgo = new Date("2020-01-01T00:00:00Z");

let app: AppServer;
let original: string;

beforeEach(async () => {
  app = await startApp();
  original = join(app.home.path, "tiny.gguf");
  await writeFile(original, content);
  await utimes(original, longAgo, longAgo);
  await writeFile(join(app.home.path, "Modelfile"), "FROM ./tiny.gguf\n");
});

afterEach(() => app[Symbol.asyncDispose]());

function ollama(...argv: readonly string[]): Promise<Finished> {
  return runCli({ baseUrl: app.baseUrl, stdin: "" }, ...argv);
}

function create(...flags: readonly string[]): Promise<Finished> {
  return ollama("create", "tiny", "-f", join(app.home.path, "Modelfile"), ...flags);
}

/** The blob with the weights: the largest. */
async function weights(): Promise<string> {
  const blobs = join(app.home.modelsDir, "blobs");
  const sizes = await Promise.all((await readdir(blobs)).map(async (name) => (await stat(join(blobs, name))).size));
  return join(blobs, (await readdir(blobs))[sizes.indexOf(content.length)] ?? "none");
}

async function isShared(): Promise<boolean> {
  return (await stat(await weights())).ino === (await stat(original)).ino;
}

/** As programs do that edit a file in place and set its time back. */
async function changeInPlace(): Promise<void> {
  const { atime, mtime } = await stat(original);
  const bytes = await readFile(original);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(original, bytes);
  await utimes(original, atime, mtime);
}

/** There the blob is a clone, and what happens to the original does not matter. */
async function canClone(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "clone-"));
  try {
    await writeFile(join(folder, "a"), "a");
    await copyFile(join(folder, "a"), join(folder, "b"), constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.skipIf(await canClone())("on a file system without clones", () => {
  test("the blob is the file itself, which keeps its mode and its times", async () => {
    await chmod(original, 0o640);
    const { exit, stderr } = await create();
    expect([exit, stderr]).toEqual([0, expect.stringContaining("without a copy (as a hard link)")]);
    expect(await isShared()).toBe(true);
    expect((await ollama("create", "again", "-f", join(app.home.path, "Modelfile"))).exit).toBe(0);
    const facts = await stat(original);
    expect([facts.mode & 0o777, facts.mtime]).toEqual([0o640, longAgo]);
    expect((await ollama("rm", "tiny", "again")).exit).toBe(0);
    expect(await readFile(original)).toEqual(Buffer.from(content));
    expect(await readdir(join(app.home.modelsDir, "links"))).toEqual([]);
  });

  test("a changed original is named, whatever its time says, and putting it back heals the model", async () => {
    await create();
    expect((await ollama("show", "tiny")).exit).toBe(0);
    await changeInPlace();
    const { exit, stderr } = await ollama("show", "tiny");
    expect([exit, stderr]).toEqual([1, expect.stringContaining(`uses the file ${original} without a copy`)]);
    expect((await ollama("list")).stdout).toContain("tiny:latest");
    await writeFile(original, content);
    expect((await ollama("show", "tiny")).exit).toBe(0);
  });

  test("a changed blob counts as missing, so creating the model again replaces it", async () => {
    await create();
    await changeInPlace();
    await rm(original);
    await writeFile(original, content);
    const { exit, stderr } = await create("--copy");
    expect([exit, stderr]).toEqual([0, expect.stringContaining("copying file")]);
    expect((await ollama("show", "tiny")).exit).toBe(0);
    expect(await readFile(await weights())).toEqual(Buffer.from(content));
    expect(await readdir(join(app.home.modelsDir, "links"))).toEqual([]);
  });

  test("an original that was only moved, touched or deleted is no change", async () => {
    await create();
    await utimes(original, new Date(), new Date());
    expect((await ollama("show", "tiny")).exit).toBe(0);
    await rm(original);
    expect((await ollama("show", "tiny")).exit).toBe(0);
  });

  test("what others may change is copied", async () => {
    await chmod(original, 0o666);
    expect((await create()).stderr).toContain("copying file");
    expect(await isShared()).toBe(false);
  });

  test.skipIf(process.getuid?.() !== 0)("another user's file is copied", async () => {
    await chown(original, 12_345, 12_345);
    expect((await create()).stderr).toContain("copying file");
    expect((await stat(original)).uid).toBe(12_345);
  });
});

// Run on btrfs and XFS by test/e2e/clones.heavy.test.ts.
describe.skipIf(!(await canClone()))("on a file system with clones", () => {
  test("the blob shares the original's blocks and nothing else", async () => {
    await chmod(original, 0o600);
    const { exit, stderr } = await create();
    expect([exit, stderr]).toEqual([0, expect.stringContaining("without a copy (sharing its blocks)")]);
    expect(await isShared()).toBe(false);
    expect((await stat(await weights())).mode & 0o777).toBe(0o644);
    const facts = await stat(original);
    expect([facts.mode & 0o777, facts.mtime]).toEqual([0o600, longAgo]);
    expect(await readdir(join(app.home.modelsDir, "links"))).toEqual([]);
  });

  test("what happens to the original does not matter, whoever may do it", async () => {
    await chmod(original, 0o666);
    expect((await create()).stderr).toContain("sharing its blocks");
    await changeInPlace();
    expect(await readFile(await weights())).toEqual(Buffer.from(content));
    expect((await ollama("show", "tiny")).exit).toBe(0);
    expect((await ollama("rm", "tiny")).exit).toBe(0);
    expect((await readFile(original)).length).toBe(content.length);
  });
});

test("--copy keeps a copy of its own", async () => {
  await create("--copy");
  expect(await isShared()).toBe(false);
  await changeInPlace();
  expect((await ollama("show", "tiny")).exit).toBe(0);
});

test("a server that means another directory is sent the file, and nothing stays behind in the wrong one", async () => {
  const elsewhere = join(app.home.path, "elsewhere");
  await mkdir(join(elsewhere, "blobs"), { recursive: true });
  using front = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const url = new URL(request.url);
      if (url.pathname === "/api/store") return Response.json({ models: elsewhere });
      return fetch(app.baseUrl + url.pathname, { method: request.method, body: request.body, proxy: false });
    },
  });
  const baseUrl = `http://127.0.0.1:${front.port}`;
  const made = await runCli({ baseUrl, stdin: "" }, "create", "tiny", "-f", join(app.home.path, "Modelfile"));
  expect([made.exit, made.stderr]).toEqual([0, expect.stringContaining("copying file")]);
  expect(await readdir(join(elsewhere, "blobs"))).toEqual([]);
  expect(await readdir(join(elsewhere, "links")).catch(() => [])).toEqual([]);
  expect(await isShared()).toBe(false);
});

test("where the models are is told to programs on this machine, not to pages and proxies", async () => {
  const ask = (headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${app.baseUrl}/api/store`, { headers, proxy: false });
  expect(await (await ask()).json()).toEqual({ models: app.home.modelsDir });
  for (const headers of [{ origin: "http://localhost:3000" }, { "x-forwarded-for": "10.0.0.1" }]) {
    const answer = await ask(headers);
    expect(answer.status).toBe(403);
    expect(await answer.text()).not.toContain(app.home.path);
  }
});
