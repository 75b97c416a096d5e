// A models directory that lasts as long as a test, and what puts models into it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreateRequest, ProgressResponse } from "../../src/api/schema/models.ts";
import type { Digest } from "../../src/base/digest.ts";
import { AppError } from "../../src/base/errors.ts";
import { createModel } from "../../src/models/create.ts";
import { ModelStore } from "../../src/models/store.ts";

export interface TempStore extends AsyncDisposable {
  readonly store: ModelStore;
}

export async function tempStore(): Promise<TempStore> {
  const directory = await mkdtemp(join(tmpdir(), "models-"));
  const store = new ModelStore(join(directory, "models"));
  await store.open();
  return { store, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

export async function upload(store: ModelStore, bytes: Uint8Array | string): Promise<Digest> {
  return (await store.blobs.put(bytes)).digest;
}

/** Runs a create to its end; the status lines. Nothing is pulled. */
export async function create(store: ModelStore, request: CreateRequest): Promise<string[]> {
  // eslint-disable-next-line require-yield -- a registry that has nothing
  async function* pull(): AsyncGenerator<ProgressResponse> {
    throw new AppError("not-found", "pull model manifest: file does not exist");
  }
  const lines: string[] = [];
  for await (const { status } of createModel({ store, pull }, request, new AbortController().signal)) {
    lines.push(status ?? "");
  }
  return lines;
}
