// The environment that processes get which load the libraries.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runnerEnvironment } from "../../src/runner/self.ts";

const prefix = mkdtempSync(join(tmpdir(), "prefix-"));
const executable = join(prefix, "bin/ollama");
afterAll(() => rmSync(prefix, { recursive: true, force: true }));

test("an installed CUDA runtime comes before what the loader was told already", () => {
  expect(runnerEnvironment({ TZ: "UTC", SECRET: "1" }, executable)).toEqual({ TZ: "UTC", GGML_NO_BACKTRACE: "1" });
  const runtime = join(prefix, "lib/ollama/cuda");
  mkdirSync(runtime, { recursive: true });
  const variable = process.platform === "win32" ? "PATH" : "LD_LIBRARY_PATH";
  expect(runnerEnvironment({}, executable)[variable]).toBe(runtime);
  expect(runnerEnvironment({ [variable]: "/x" }, executable)[variable]).toBe(`${runtime}${delimiter}/x`);
});
