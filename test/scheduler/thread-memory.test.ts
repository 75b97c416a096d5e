// What is remembered of thread counts, and that a bad file only costs the memory.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ThreadMemory } from "../../src/scheduler/thread-memory.ts";

const home = mkdtempSync(join(tmpdir(), "threads-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const weights = "/models/blobs/sha256-1234";

test("a count is remembered for its model and this machine's limit, also by the next server", async () => {
  const path = join(home, "threads.json");
  const memory = new ThreadMemory(path);
  expect(memory.recall(weights, 8)).toBeUndefined();
  await memory.note(weights, 8, 4);
  const next = new ThreadMemory(path);
  expect(next.recall(weights, 8)).toBe(4);
  expect(next.recall(weights, 2)).toBeUndefined();
  expect(next.recall("/models/blobs/sha256-5678", 8)).toBeUndefined();
  // The same blob in another directory is the same model.
  expect(next.recall("/elsewhere/sha256-1234", 8)).toBe(4);
});

test.each(["", "no JSON", "[1]", '{"a":"b"}', '{"sha256-1234 of 8":0}', '{"sha256-1234 of 8":99}'])(
  "a file that says %j is no memory",
  (text) => {
    const path = join(home, "damaged.json");
    writeFileSync(path, text);
    expect(new ThreadMemory(path).recall(weights, 8)).toBeUndefined();
  },
);

test("an unwritable place is no error, and the file stays small", async () => {
  await new ThreadMemory("/proc/nowhere/threads.json").note(weights, 8, 4);
  const path = join(home, "many.json");
  const memory = new ThreadMemory(path);
  for (let i = 0; i < 230; i++) await memory.note(`/sha256-${i}`, 8, 2);
  const kept = Object.keys(JSON.parse(readFileSync(path, "utf8")) as object);
  expect(kept).toHaveLength(200);
  expect(kept.at(-1)).toBe("sha256-229 of 8");
});
