import { afterEach, expect, setSystemTime, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileMemo } from "../../src/base/file-memo.ts";
import { stateNow } from "../../src/base/file-state.ts";

afterEach(() => {
  setSystemTime();
});

/** Files that changed a moment ago are not remembered: as if it were later. */
function later(): void {
  setSystemTime(new Date(Date.now() + 5000));
}

function temporaryFile(content: string): Disposable & { readonly path: string } {
  const directory = mkdtempSync(join(tmpdir(), "file-memo-"));
  const path = join(directory, "file");
  writeFileSync(path, content);
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

test("something is made of a file once, and anew when it was written, replaced or removed", () => {
  using file = temporaryFile("one");
  later();
  const memo = new FileMemo<number>();
  let made = 0;
  const get = () => memo.readSync(file.path, () => ++made);
  expect([get(), get()]).toEqual([1, 1]);
  writeFileSync(file.path, "longer");
  expect([get(), get()]).toEqual([2, 2]);
  writeFileSync(`${file.path}.new`, "longer");
  renameSync(`${file.path}.new`, file.path);
  expect(get()).toBe(3);
  rmSync(file.path);
  expect([get(), get()]).toEqual([4, 5]);
});

test("a file that changed a moment ago is not remembered: it may change again within one tick of the clock", async () => {
  using file = temporaryFile("one");
  setSystemTime(statSync(file.path).mtime);
  const memo = new FileMemo<number>();
  let made = 0;
  const get = () => memo.read(file.path, async () => ++made);
  expect([await get(), await get()]).toEqual([1, 2]);
  later();
  expect([await get(), await get()]).toEqual([3, 3]);
});

test("where files have whole seconds for a time, one is not remembered for two of them", () => {
  using file = temporaryFile("one");
  const second = Math.ceil(Date.now() / 1000) + 10;
  utimesSync(file.path, second, second);
  const memo = new FileMemo<number>();
  let made = 0;
  const get = () => memo.readSync(file.path, () => ++made);
  setSystemTime(new Date(second * 1000 + 1900));
  expect([get(), get()]).toEqual([1, 2]);
  setSystemTime(new Date(second * 1000 + 2100));
  expect([get(), get()]).toEqual([3, 3]);
});

test("what was kept for a file that is not there is not kept", () => {
  const memo = new FileMemo<string>();
  memo.keep("/nowhere/at/all", stateNow("/nowhere/at/all"), "value");
  expect(memo.recall("/nowhere/at/all")).toBeUndefined();
});

test("beyond the limit the one made first goes", () => {
  using one = temporaryFile("1");
  using two = temporaryFile("2");
  using three = temporaryFile("3");
  later();
  const memo = new FileMemo<string>(2);
  for (const { path } of [one, two, three]) memo.keep(path, stateNow(path), path);
  expect([one, two, three].map(({ path }) => memo.recall(path))).toEqual([undefined, two.path, three.path]);
});
