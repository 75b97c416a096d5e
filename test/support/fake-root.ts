// A directory tree that stands for "/": the files of /proc and /sys that a test wants a machine to have.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface FakeRoot extends Disposable {
  readonly path: string;
}

/** `files`: content by path without the leading slash. */
export function fakeRoot(files: Readonly<Record<string, string>>): FakeRoot {
  const path = mkdtempSync(join(tmpdir(), "fake-root-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
