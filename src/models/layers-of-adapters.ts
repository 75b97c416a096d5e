// The ADAPTERs of a request → layers: GGUFs as they are, safetensors converted for the model that they adapt.

import { basename, dirname } from "node:path/posix";
import type { ProgressResponse } from "../api/schema/models.ts";
import { type Digest, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { type DraftLayer, inspect } from "./draft-layer.ts";
import { type AdapterBase, type Convert, convertAdapter } from "./from-checkpoint.ts";
import { withGguf } from "./gguf-file.ts";
import { fromFiles } from "./layers-of-files.ts";
import { layerKind } from "./manifest.ts";
import type { ModelStore } from "./store.ts";

export interface AdapterLayers {
  readonly drafts: readonly DraftLayer[];
  /** What each name of the request became: a scale is given to a name and kept for a layer. */
  readonly digests: Readonly<Record<string, Digest>>;
}

export async function* adapterLayers(
  { store, convert }: { readonly store: ModelStore; readonly convert?: Convert },
  adapters: Readonly<Record<string, string>>,
  base: readonly DraftLayer[],
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, AdapterLayers, undefined> {
  const { plain, folders } = byKind(adapters);
  const drafts: DraftLayer[] = [];
  const digests = Object.fromEntries(Object.entries(plain).map(([name, text]) => [name, parseDigest(text)]));
  const isOnlyPlain = folders.length === 0;
  if (isOnlyPlain || Object.keys(plain).length > 0) drafts.push(...(yield* fromFiles(store, plain, "adapter", signal)));
  for (const folder of folders) {
    if (convert === undefined) throw new AppError("unsupported", "this build cannot import safetensors");
    const files = Object.fromEntries(Object.entries(folder).map(([name, text]) => [basename(name), text]));
    const layer = yield* convertAdapter(store, convert, files, baseOf(store, base), signal);
    drafts.push({ layer, facts: inspect(store, layer.digest).facts, isNew: true });
    for (const name of Object.keys(folder)) digests[name] = layer.digest;
  }
  return { drafts, digests };
}

/** Safetensors go with the files beside them; everything else stands for itself. */
function byKind(adapters: Readonly<Record<string, string>>): {
  readonly plain: Record<string, string>;
  readonly folders: readonly Record<string, string>[];
} {
  const plain: Record<string, string> = {};
  const folders = new Map<string, Record<string, string>>();
  const ofWeights = new Set(
    Object.keys(adapters)
      .filter((name) => name.endsWith(".safetensors"))
      .map(dirname),
  );
  for (const [name, text] of Object.entries(adapters)) {
    const folder = dirname(name);
    if (ofWeights.has(folder) && /\.(?:safetensors|json)$/.test(name))
      folders.set(folder, { ...folders.get(folder), [name]: text });
    else plain[name] = text;
  }
  return { plain, folders: [...folders.values()] };
}

function baseOf(store: ModelStore, drafts: readonly DraftLayer[]): AdapterBase {
  const weights = drafts.find(({ layer }) => layerKind(layer) === "model");
  if (weights === undefined) throw new AppError("invalid", "an adapter needs a model: name one with FROM");
  return withGguf(store.blobs.path(weights.layer.digest), ({ metadata }) => {
    const count = (key: string) => metadata.uint(metadata.architectureKey(key));
    const heads = count("attention.head_count") ?? 0;
    return { architecture: metadata.architecture, heads, kvHeads: count("attention.head_count_kv") ?? heads };
  });
}
