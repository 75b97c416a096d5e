// Whether what a server left on disk is whole: every manifest names blobs that are there and hash to their names.

import { readdir } from "node:fs/promises";
import { ModelStore } from "../../src/models/store.ts";

export interface StoreState {
  readonly models: readonly string[];
  /** What is wrong, in words; empty for a store that lost nothing. */
  readonly damage: readonly string[];
}

export async function storeState(modelsDir: string): Promise<StoreState> {
  const store = new ModelStore(modelsDir);
  const damage: string[] = [];
  const checked = new Map<string, boolean>();
  const models: string[] = [];
  for (const name of await store.names()) {
    const model = await store.find(name).catch((error: unknown) => {
      damage.push(`${name.display}: ${String(error)}`);
      return undefined;
    });
    if (model === undefined) continue;
    models.push(name.display);
    for (const { digest, size } of [model.manifest.config, ...model.manifest.layers]) {
      const isWhole =
        checked.get(digest) ?? ((await store.blobs.size(digest)) === size && (await store.blobs.verify(digest)));
      checked.set(digest, isWhole);
      if (!isWhole) damage.push(`${name.display}: ${digest} is missing or damaged`);
    }
  }
  return { models: models.sort(), damage };
}

/** Names in the blobs folder that are no blobs: temporaries and partial downloads. */
export async function leftovers(modelsDir: string): Promise<string[]> {
  return (await readdir(`${modelsDir}/blobs`)).filter((name) => !/^sha256-[0-9a-f]{64}$/.test(name));
}

/** Names in a models directory, without the locks and the list of linked blobs that are ours. */
export async function entriesOf(modelsDir: string): Promise<string[]> {
  const own = [".in-use", ".lock", "links"];
  return (await readdir(modelsDir)).filter((name) => !own.includes(name)).sort();
}
