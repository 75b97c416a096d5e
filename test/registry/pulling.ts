// A registry client over a store in a temporary folder, with patience of milliseconds.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProgressResponse } from "../../src/api/schema/models.ts";
import { readConfig } from "../../src/config.ts";
import { ModelStore } from "../../src/models/store.ts";
import { Registry, type RegistryOptions } from "../../src/registry/registry.ts";
import type { Tuning } from "../../src/registry/transfer.ts";

export const FAST: Tuning = {
  partBytes: 64 * 1024,
  connections: 4,
  stallMs: 150,
  backoffMs: 5,
  tries: 4,
  checkpointBytes: 32 * 1024,
  headTimeoutMs: 300,
};

export interface Pulling extends AsyncDisposable {
  readonly home: string;
  readonly store: ModelStore;
  readonly registry: Registry;
  pull(name: string, insecure?: boolean, signal?: AbortSignal): Promise<ProgressResponse[]>;
}

export async function pulling(
  env: Readonly<Record<string, string>> = {},
  options: RegistryOptions = {},
): Promise<Pulling> {
  const home = await mkdtemp(join(tmpdir(), "registry-test-"));
  const config = readConfig({ HOME: home, ...env });
  const store = new ModelStore(config.modelsDir);
  await store.open();
  const registry = new Registry(config, store, { ...options, tuning: { ...FAST, ...options.tuning } });
  return {
    home,
    store,
    registry,
    async pull(name, insecure = true, signal = new AbortController().signal) {
      const lines: ProgressResponse[] = [];
      for await (const line of registry.pull(registry.parseTarget(name), insecure, signal)) lines.push(line);
      return lines;
    },
    async [Symbol.asyncDispose]() {
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Bytes that differ everywhere, the same for the same seed. */
export function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "no error";
}
