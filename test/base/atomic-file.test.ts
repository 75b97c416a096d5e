// Files that are whole or absent.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/base/atomic-file.ts";
import { isDigest } from "../../src/base/digest.ts";
import { temporaryBeside } from "../../src/base/atomic-file.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "atomic-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("a file is written with its directories and replaced whole", async () => {
  const target = join(directory, "a/b/file");
  await writeFileAtomic(target, "old");
  await writeFileAtomic(target, new TextEncoder().encode("new"));
  expect(await readFile(target, "utf8")).toBe("new");
  expect(await readdir(join(directory, "a/b"))).toEqual(["file"]);
});

test("permissions are what was asked for, whatever the umask", async () => {
  const target = join(directory, "private/key");
  await writeFileAtomic(target, "secret", { mode: 0o600, directoryMode: 0o700 });
  expect((await stat(target)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, "private"))).mode & 0o777).toBe(0o700);
});

test("a write that fails leaves no temporary file and keeps what was there", async () => {
  const target = join(directory, "taken");
  await mkdir(join(target, "child"), { recursive: true });
  expect(writeFileAtomic(target, "x")).rejects.toThrow();
  await writeFileAtomic(target, "x").catch(() => {});
  expect((await readdir(directory)).filter((name) => name.includes("tmp"))).toEqual([]);
  expect((await stat(join(target, "child"))).isDirectory()).toBe(true);
});

test("many writers at once leave one of their contents", async () => {
  const target = join(directory, "contended");
  const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(contents.map((content) => writeFileAtomic(target, content)));
  expect(contents).toContain(await readFile(target, "utf8"));
});

test("temporary names are no digests and differ each time", () => {
  const target = join(directory, `sha256-${"a".repeat(64)}`);
  const names = Array.from({ length: 50 }, () => temporaryBeside(target));
  expect(new Set(names).size).toBe(50);
  expect(names.some((name) => isDigest(name.slice(directory.length + 1)))).toBe(false);
});
