// Locks between real processes.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileLock, type LockKind } from "../../src/base/file-lock.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
  path = join(folder, "lock");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that holds the lock until it is killed. */
async function holder(kind: LockKind) {
  const module = JSON.stringify(join(import.meta.dir, "../../src/base/file-lock.ts"));
  const code = `const { FileLock } = await import(${module});
    globalThis.held = FileLock.tryAcquire(${JSON.stringify(path)}, "${kind}");
    console.log(held === undefined ? "busy" : "held");
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    said: new TextDecoder().decode(value).trim(),
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

test("an exclusive lock keeps out other processes, and other holders in this one", async () => {
  using held = FileLock.tryAcquire(path, "exclusive");
  expect(held).toBeDefined();
  expect(FileLock.tryAcquire(path, "exclusive")).toBeUndefined();
  expect(FileLock.tryAcquire(path, "shared")).toBeUndefined();
  const other = await holder("exclusive");
  await other.kill();
  expect(other.said).toBe("busy");
});

test("shared locks go together, and keep out an exclusive one until the last is given back", async () => {
  const other = await holder("shared");
  expect(other.said).toBe("held");
  const mine = FileLock.tryAcquire(path, "shared");
  expect(mine).toBeDefined();
  mine?.[Symbol.dispose]();
  expect(FileLock.tryAcquire(path, "exclusive")).toBeUndefined();
  await other.kill();
  using last = FileLock.tryAcquire(path, "exclusive");
  expect(last).toBeDefined();
});

test("a killed process leaves no lock behind, and whoever waits gets it", async () => {
  const other = await holder("exclusive");
  expect(other.said).toBe("held");
  let waits = 0;
  const waiting = FileLock.acquire(path, "exclusive", undefined, async () => {
    if (waits++ === 0) await other.kill();
  });
  using got = await waiting;
  expect([got.path, waits > 0]).toEqual([path, true]);
  expect(await readdir(folder)).toEqual(["lock"]);
});

test("who waited for a lock whose file was removed takes the new file's", async () => {
  const first = FileLock.tryAcquire(path, "exclusive");
  const second = FileLock.acquire(path, "exclusive");
  await Bun.sleep(0);
  first?.remove();
  using held = await second;
  expect(await readdir(folder)).toEqual(["lock"]);
  expect(FileLock.tryAcquire(path, "exclusive")).toBeUndefined();
  expect(held.path).toBe(path);
});

test("waiting ends when it is told to", async () => {
  using _ = FileLock.tryAcquire(path, "exclusive");
  const control = new AbortController();
  const waiting = FileLock.acquire(path, "exclusive", control.signal);
  control.abort(new Error("enough"));
  const ended = await waiting.catch((error: unknown) => error);
  expect(String(ended)).toContain("enough");
});

test("where no file can be, the reason is told", () => {
  expect(() => FileLock.tryAcquire(join(folder, "none/lock"), "shared")).toThrow(/none\/lock cannot be locked/);
});
