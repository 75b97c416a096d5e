// Split GGUFs: shards become the one file they were cut from, to the last byte, or are refused with what is wrong.

import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { layersOf } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { openModel } from "../../src/models/opened-model.ts";
import type { ModelStore } from "../../src/models/store.ts";
import { splitGguf, type NamedShard } from "../support/split-gguf.ts";
import { tinyGguf, tinyLayout } from "../support/tiny-gguf.ts";
import { create, tempStore, upload } from "./temp-store.ts";

async function files(store: ModelStore, shards: readonly NamedShard[]): Promise<Record<string, string>> {
  const entries = shards.map(async ({ name, bytes }) => [name, await upload(store, bytes)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

test.each([
  ["in order", (shards: NamedShard[]) => shards],
  ["in any order", (shards: NamedShard[]) => shards.toReversed()],
])("shards named %s become the file they were cut from", async (_, arrange) => {
  await using temp = await tempStore();
  const { store } = temp;
  const shards = arrange(splitGguf("tiny", tinyLayout("llama"), 3));
  const lines = await create(store, { model: "m", files: await files(store, shards) });
  expect(lines).toContain("merging 3 shards");
  expect(lines.at(-1)).toBe("success");
  const model = await openModel(store, ModelName.parse("m"), "m");
  expect(layersOf(model.stored.manifest, "model").length).toBe(1);
  expect(Buffer.compare(await readFile(model.weightsPath ?? ""), tinyGguf("llama"))).toBe(0);
  // The shards were on their way only.
  expect((await store.blobs.list()).digests.length).toBe(1 + model.stored.manifest.layers.length);
  expect((await store.blobs.list()).others).toEqual([]);
});

describe("what is not a whole set is refused", () => {
  const shards = splitGguf("tiny", tinyLayout("llama"), 4);
  const at = (index: number): NamedShard => shards[index] as NamedShard;
  const other = splitGguf("tiny", tinyLayout("llama"), 5);
  test.each<[string, NamedShard[], RegExp]>([
    [
      "missing ones are named",
      [at(0), at(2)],
      /incomplete: tiny-00002-of-00004.gguf, tiny-00004-of-00004.gguf missing/,
    ],
    ["without the first", [at(1), at(2), at(3)], /tiny-00001-of-00004.gguf missing/],
    [
      "a name that says nothing",
      [{ name: "a.gguf", bytes: at(0).bytes }],
      /"a.gguf" must use llama.cpp split filename pattern/,
    ],
    [
      "a shard under another's name",
      [{ name: at(1).name, bytes: at(2).bytes }],
      /was renamed: its content says that it is 3 of 4/,
    ],
    [
      "a shard of another set",
      [at(0), at(1), at(2), other[3] as NamedShard],
      /tiny-00004-of-00004.gguf missing|tensors, not the/,
    ],
  ])("%s", async (_, sent, reason) => {
    await using temp = await tempStore();
    const { store } = temp;
    const problem = await create(store, { model: "m", files: await files(store, sent) }).catch((e: Error) => e.message);
    expect(problem).toMatch(reason);
    expect(await store.list()).toEqual([]);
  });
});
