import { expect, test } from "bun:test";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processFacts } from "../../src/base/process-facts.ts";

test("fields are found behind a name that looks like fields", async () => {
  const root = await mkdtemp(join(tmpdir(), "proc-"));
  await mkdir(join(root, "42"));
  const line = "42 (a) S 9 (b)) T 1 42 42 0 -1 4194304 100 0 3 0 10 20 0 0 20 0 5 0 987654 1000 50 ...";
  await writeFile(join(root, "42/stat"), line);
  expect(processFacts(42, root)).toEqual({ state: "T", progress: 3 + 10 + 20, startTicks: 987654 });
  await rm(root, { recursive: true });
});

test.skipIf(process.platform !== "linux")("this process computes, and no process of id 0 exists", () => {
  const before = processFacts(process.pid);
  const endMs = performance.now() + 60;
  while (performance.now() < endMs);
  const after = processFacts(process.pid);
  expect(after?.state).toBe("R");
  expect(after?.progress ?? 0).toBeGreaterThan(before?.progress ?? 0);
  expect(after?.startTicks).toBe(before?.startTicks ?? -1);
  expect(processFacts(0)).toBeUndefined();
});
