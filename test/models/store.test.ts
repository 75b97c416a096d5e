// The models directory: names in any letter case, links, damage, and what removing takes with it.

import { describe, expect, test } from "bun:test";
import { mkdir, readdir, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, digestOf } from "../../src/base/digest.ts";
import { CONFIG_TYPE, type Manifest, mediaTypeOf } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { tidyStore } from "../../src/models/prune.ts";
import { ModelStore } from "../../src/models/store.ts";
import { tempStore } from "./temp-store.ts";

const parse = (text: string): ModelName => ModelName.parse(text);

async function addModel(store: ModelStore, name: string, ...contents: string[]): Promise<Digest[]> {
  const blobs = await Promise.all([`config of ${name}`, ...contents].map((content) => store.blobs.put(content)));
  const [config, ...layers] = blobs.map(({ digest, size }) => ({ mediaType: mediaTypeOf("system"), digest, size }));
  if (config === undefined) throw new Error("no config");
  const manifest: Manifest = { config: { ...config, mediaType: CONFIG_TYPE }, layers };
  await store.write(parse(name), manifest);
  return blobs.map(({ digest }) => digest);
}

async function names(store: ModelStore): Promise<string[]> {
  return (await store.list()).map(({ name }) => name.display).sort();
}

test("a model is written where Ollama looks for it and read back", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  await addModel(store, "me/tiny:q4", "layer");
  const path = join(store.directory, "manifests/registry.ollama.ai/me/tiny/q4");
  const found = await store.find(parse("me/tiny:q4"));
  expect(found?.digest).toBe(digestOf(await Bun.file(path).bytes()));
  expect(found?.sizeBytes).toBe("config of me/tiny:q4".length + "layer".length);
  expect(await store.find(parse("me/tiny"))).toBeUndefined();
});

describe("letter case", () => {
  test("any spelling finds a model, under the name it was stored with", async () => {
    await using temp = await tempStore();
    await addModel(temp.store, "Tiny:Q4");
    expect((await temp.store.find(parse("tiny:q4")))?.name.display).toBe("Tiny:Q4");
    expect((await temp.store.find(parse("TINY:q4")))?.name.display).toBe("Tiny:Q4");
  });
  test("writing another spelling replaces the model", async () => {
    await using temp = await tempStore();
    await addModel(temp.store, "Tiny", "old");
    await addModel(temp.store, "tINY", "new");
    expect(await names(temp.store)).toEqual(["Tiny:latest"]);
  });
  test("the exact spelling wins where both are there", async () => {
    await using temp = await tempStore();
    const manifests = join(temp.store.directory, "manifests/registry.ollama.ai/library");
    await addModel(temp.store, "tiny", "a");
    await addModel(temp.store, "other", "b");
    await rename(join(manifests, "other"), join(manifests, "TINY"));
    expect((await temp.store.find(parse("TINY")))?.name.model).toBe("TINY");
    expect((await temp.store.find(parse("tiny")))?.name.model).toBe("tiny");
  });
});

test("the list is newest first, and what is malformed or misplaced is left out", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  for (const name of ["one", "two", "three"]) await addModel(store, name);
  for (const [age, name] of ["one", "two", "three"].entries()) {
    await utimes(store.manifestPath(parse(name)), 10_000 + age, 10_000 + age);
  }
  const library = join(store.directory, "manifests/registry.ollama.ai/library");
  await writeFile(join(library, "shallow"), "{}");
  await mkdir(join(library, "one/deep"), { recursive: true });
  await writeFile(join(library, "one/deep/file"), "{}");
  await writeFile(join(library, "one/-bad"), "{}");
  await writeFile(join(library, "one/broken"), "not json");
  expect((await store.list()).map(({ name }) => name.display)).toEqual(["three:latest", "two:latest", "one:latest"]);
});

test("a copy has the same digest, and a copy of nothing says so", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  await addModel(store, "a", "x");
  await store.copy(parse("A"), parse("b:2"));
  expect((await store.find(parse("b:2")))?.digest).toBe((await store.find(parse("a")))?.digest ?? ("" as Digest));
  expect(store.copy(parse("nothing"), parse("c"))).rejects.toThrow('model "nothing:latest" not found');
});

describe("removing", () => {
  test("takes the blobs that no other model uses and the directories that are empty then", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const [configA, own] = await addModel(store, "me/a", "only a", "shared");
    const [, shared] = await addModel(store, "b", "shared");
    const model = await store.find(parse("me/a"));
    if (model === undefined || configA === undefined || own === undefined || shared === undefined)
      throw new Error("missing");
    await store.remove(model);
    expect(await names(store)).toEqual(["b:latest"]);
    expect([await store.blobs.has(configA), await store.blobs.has(own), await store.blobs.has(shared)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(await readdir(join(store.directory, "manifests/registry.ollama.ai"))).toEqual(["library"]);
  });
  test("takes no blob while another manifest cannot be read", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const digests = await addModel(store, "a", "x");
    await addModel(store, "b", "y");
    await writeFile(store.manifestPath(parse("b")), "{");
    const model = await store.find(parse("a"));
    if (model === undefined) throw new Error("missing");
    await store.remove(model);
    expect(await Promise.all(digests.map((digest) => store.blobs.has(digest)))).toEqual([true, true]);
  });
});

test("a manifest behind a link is a model, and its blobs are in use", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const digests = await addModel(store, "linked", "precious");
  const path = store.manifestPath(parse("linked"));
  const elsewhere = join(store.directory, "elsewhere");
  await rename(path, elsewhere);
  await symlink(elsewhere, path);
  expect(await names(store)).toEqual(["linked:latest"]);
  await tidyStore(store, { prune: true, nowMs: Date.now() + 1e9 });
  expect(await Promise.all(digests.map((digest) => store.blobs.has(digest)))).toEqual([true, true]);
});

test("a directory of models behind a link is listed too", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  await addModel(store, "ns/linked");
  const directory = dirname(dirname(store.manifestPath(parse("ns/linked"))));
  await rename(directory, join(store.directory, "moved"));
  await symlink(join(store.directory, "moved"), directory);
  expect(await names(store)).toEqual(["ns/linked:latest"]);
});

describe("tidying at start (spec 6.06)", () => {
  const LATER = Date.now() + 2 * 60 * 60_000;

  test("gives old blob names their dash", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const [config] = await addModel(store, "a");
    if (config === undefined) throw new Error("missing");
    await rename(store.blobs.path(config), join(store.blobs.directory, config));
    await tidyStore(store, { prune: false, nowMs: LATER });
    expect(await store.blobs.has(config)).toBe(true);
  });
  test("removes old blobs and temporaries that nothing names, and keeps partial downloads", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const used = await addModel(store, "a", "layer");
    const orphan = (await store.blobs.put("orphan")).digest;
    const partial = `sha256-${"a".repeat(64)}-partial`;
    for (const name of [".left.tmp", "notes.txt", partial, `${partial}-3`])
      await writeFile(join(store.blobs.directory, name), "");
    await tidyStore(store, { prune: true, nowMs: Date.now() });
    expect(await store.blobs.has(orphan)).toBe(true);
    await tidyStore(store, { prune: true, nowMs: LATER });
    const left = [...used.map((digest) => digest.replace(":", "-")), partial, `${partial}-3`].sort();
    expect((await readdir(store.blobs.directory)).sort()).toEqual(left);
  });
  test("removes nothing while a manifest is damaged", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    await addModel(store, "a");
    await writeFile(store.manifestPath(parse("a")), "damaged");
    const orphan = (await store.blobs.put("orphan")).digest;
    await tidyStore(store, { prune: true, nowMs: LATER });
    expect(await store.blobs.has(orphan)).toBe(true);
  });
});

test("a models directory that cannot be made is named with the reason and the way out", async () => {
  await using temp = await tempStore();
  const file = join(temp.store.directory, "file");
  await writeFile(file, "");
  const refused = await new ModelStore(join(file, "models")).open().catch((error: Error) => error.message);
  expect(refused).toMatch(/^the models directory .*file\/models is not writable \(.+\); .*set OLLAMA_MODELS/);
});
