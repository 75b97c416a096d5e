import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileMemo } from "../../src/base/file-memo.ts";

let folder: string;
let path: string;
let reads: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "file-memo-"));
  path = join(folder, "file");
  reads = 0;
});
afterEach(() => rm(folder, { recursive: true }));

async function make(from: string): Promise<{ text: string }> {
  reads++;
  return { text: await readFile(from, "utf8") };
}

/** Long after what the test writes. */
const later = () => Date.now() + 60_000;

test("a file that has not changed is read once", async () => {
  const memo = new FileMemo<{ text: string }>(later);
  await writeFile(path, "one");
  const first = await memo.read(path, make);
  expect(await memo.read(path, make)).toBe(first);
  expect([first, reads]).toEqual([{ text: "one" }, 1]);
});

test("one that was replaced, or written to in its place, is read again", async () => {
  const memo = new FileMemo<{ text: string }>(later);
  await writeFile(path, "one");
  await memo.read(path, make);
  await writeFile(`${path}.new`, "two");
  await rename(`${path}.new`, path);
  expect((await memo.read(path, make)).text).toBe("two");
  await writeFile(path, "three");
  expect((await memo.read(path, make)).text).toBe("three");
});

test("one that is taken away is missing at once, and found when it is back", async () => {
  const memo = new FileMemo<{ text: string }>(later);
  await writeFile(path, "one");
  await memo.read(path, make);
  await rm(path);
  const outcome = memo.read(path, make).then(() => "read", String);
  expect(await outcome).toContain("ENOENT");
  await writeFile(path, "back");
  expect((await memo.read(path, make)).text).toBe("back");
});

test("one that changed a moment ago is not trusted to look different when it changes again", async () => {
  const memo = new FileMemo<{ text: string }>();
  await writeFile(path, "one");
  await memo.read(path, make);
  await memo.read(path, make);
  expect(reads).toBe(2);
});
