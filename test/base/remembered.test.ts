import { expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileIdentity, Remembered } from "../../src/base/remembered.ts";

test("what was read of a file is forgotten once the file is written, replaced or removed", () => {
  const directory = mkdtempSync(join(tmpdir(), "remembered-"));
  const path = join(directory, "file");
  writeFileSync(path, "one");
  const remembered = new Remembered<string>(4);
  const note = () => remembered.note(path, fileIdentity(path), "kept");
  const recall = () => remembered.recall(path, fileIdentity(path));
  note();
  expect(recall()).toBe("kept");
  writeFileSync(path, "longer");
  expect(recall()).toBeUndefined();
  note();
  writeFileSync(`${path}.new`, "longer");
  renameSync(`${path}.new`, path);
  expect(recall()).toBeUndefined();
  note();
  rmSync(directory, { recursive: true });
  expect(recall()).toBeUndefined();
});

test("a file that is not there is never remembered", () => {
  const remembered = new Remembered<string>(4);
  remembered.note("key", undefined, "value");
  expect(remembered.recall("key", undefined)).toBeUndefined();
});

test("beyond the limit the oldest note goes", () => {
  const remembered = new Remembered<number>(2);
  for (const [key, value] of [
    ["a", 1],
    ["b", 2],
    ["a", 3],
    ["c", 4],
  ] as const)
    remembered.note(key, "same", value);
  expect(["a", "b", "c"].map((key) => remembered.recall(key, "same"))).toEqual([3, undefined, 4]);
});
