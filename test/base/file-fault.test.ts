// What the system says about a file, in one clear line.

import { expect, test } from "bun:test";
import { mkdir, readFile } from "node:fs/promises";
import { AppError, toAppError } from "../../src/base/errors.ts";
import { plainMessage } from "../../src/base/file-fault.ts";

test("a file system's error names what was tried and the path, without codes", async () => {
  const missing = await readFile("/no/such/file").catch((error: unknown) => error);
  expect(plainMessage(missing)).toBe("open /no/such/file: no such file or directory");
  const refused: unknown = await mkdir("/proc/none").catch((error: unknown) => error);
  expect(plainMessage(toAppError(refused))).toBe("mkdir /proc/none: no such file or directory");
});

test("what has words of its own keeps them", async () => {
  const cause = await readFile("/no/such/file").catch((error: unknown) => error);
  expect(plainMessage(new AppError("internal", "the models are gone", { cause }))).toBe("the models are gone");
  expect(plainMessage(new Error("plain"))).toBe("plain");
  expect(plainMessage("text")).toBe("text");
});
