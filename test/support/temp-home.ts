// A home folder that lasts as long as a test: settings, models and caches of the program under test stay inside it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TempHome extends AsyncDisposable {
  readonly path: string;
  readonly modelsDir: string;
  /** What to start the program with, instead of this process's environment. */
  readonly env: Readonly<Record<string, string>>;
}

export async function tempHome(): Promise<TempHome> {
  const path = await mkdtemp(join(tmpdir(), "ollama-test-"));
  const modelsDir = join(path, "models");
  return {
    path,
    modelsDir,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: path,
      USERPROFILE: path,
      XDG_CACHE_HOME: join(path, "cache"),
      OLLAMA_MODELS: modelsDir,
      TMPDIR: tmpdir(),
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}
