// Hashing the store: what is damaged is found, named with its models, and nothing is written.

import { expect, test } from "bun:test";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_TYPE, type Layer, mediaTypeOf } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { ModelStore } from "../../src/models/store.ts";
import { verifyStore, type VerifyEvent } from "../../src/models/verify.ts";
import { tempHome } from "../support/temp-home.ts";

async function collect(store: ModelStore): Promise<VerifyEvent[]> {
  return Array.fromAsync(verifyStore(store));
}

async function filledStore(directory: string): Promise<{ store: ModelStore; shared: Layer; own: Layer }> {
  const store = new ModelStore(directory);
  await store.open();
  const layer = async (mediaType: string, text: string): Promise<Layer> => {
    const { digest, size } = await store.blobs.put(text);
    return { mediaType, digest, size };
  };
  const config = await layer(CONFIG_TYPE, "{}");
  const shared = await layer(mediaTypeOf("model"), "weights".repeat(1000));
  const own = await layer(mediaTypeOf("system"), "be kind");
  const name = (model: string) => ModelName.of("registry.ollama.ai", "library", model, "latest");
  for (const [model, layers] of [
    ["a", [shared]],
    ["b", [shared, own]],
  ] as const) {
    const stored = name(model);
    if (stored === undefined) throw new Error("no name");
    await store.write(stored, { config, layers });
  }
  return { store, shared, own };
}

test("an intact store is done, with its bytes counted to the end", async () => {
  await using home = await tempHome();
  const { store } = await filledStore(home.modelsDir);
  const events = await collect(store);
  expect(events.at(-1)).toEqual({ kind: "done", models: 2, blobs: 3, totalBytes: 7009 });
  expect(events.at(-2)).toEqual({ kind: "progress", doneBytes: 7009, totalBytes: 7009 });
  expect(events.every(({ kind }) => kind === "progress" || kind === "done")).toBe(true);
});

test("a blob of another content, one cut short and one that is missing are told with the models that need them", async () => {
  await using home = await tempHome();
  const { store, shared, own } = await filledStore(home.modelsDir);
  const damage = async () =>
    (await collect(store)).flatMap((event) =>
      event.kind === "damaged" ? [[event.blob.models, event.blob.reason]] : [],
    );
  await writeFile(store.blobs.path(shared.digest), "WEIGHTS".repeat(1000));
  await rm(store.blobs.path(own.digest));
  const before = await stat(store.blobs.path(shared.digest));
  expect(await damage()).toEqual([
    [["a:latest", "b:latest"], "its content does not have its hash"],
    [["b:latest"], "missing"],
  ]);
  await writeFile(store.blobs.path(shared.digest), "weights");
  expect((await damage())[0]).toEqual([["a:latest", "b:latest"], "7 bytes long instead of 7000"]);
  expect(before.size).toBe(7000);
});

test("what was found damaged counts as absent until another file takes its place", async () => {
  await using home = await tempHome();
  const { store, shared } = await filledStore(home.modelsDir);
  const { blobs } = store;
  await writeFile(blobs.path(shared.digest), "WEIGHTS".repeat(1000));
  expect(await blobs.has(shared.digest)).toBe(true);
  const [found] = (await collect(store)).filter((event) => event.kind === "damaged");
  expect(found?.kind === "damaged" && found.blob.isMarked).toBe(true);
  expect(await blobs.has(shared.digest)).toBe(false);
  expect(await blobs.put("weights".repeat(1000))).toMatchObject({ created: true });
  expect(await blobs.has(shared.digest)).toBe(true);
  expect((await collect(store)).filter((event) => event.kind === "damaged")).toEqual([]);
});

test("a manifest that cannot be read is told, and the others are still hashed", async () => {
  await using home = await tempHome();
  const { store } = await filledStore(home.modelsDir);
  await writeFile(join(home.modelsDir, "manifests/registry.ollama.ai/library/a/latest"), "{");
  const events = await collect(store);
  expect(events[0]).toEqual({ kind: "unreadable", model: "a:latest", reason: "the manifest is not JSON" });
  expect(events.at(-1)).toMatchObject({ kind: "done", models: 1, blobs: 3 });
});

test("hashing writes nothing, not even a models directory", async () => {
  await using home = await tempHome();
  expect(await collect(new ModelStore(home.modelsDir))).toEqual([{ kind: "done", models: 0, blobs: 0, totalBytes: 0 }]);
  expect(await readdir(home.path)).toEqual([]);
});
