// A layer of a model that is being made: known to be right, and written only when everything else is known to be right too.

import { type Digest, digestOf } from "../base/digest.ts";
import { ggufFacts, type GgufFacts } from "../formats/gguf/facts.ts";
import { ggufKind, type GgufKind } from "../formats/gguf/kind.ts";
import { validateGguf } from "../formats/gguf/validate.ts";
import { withGguf } from "./gguf-file.ts";
import { type Layer, type LayerKind, mediaTypeOf } from "./manifest.ts";
import type { ModelStore } from "./store.ts";

export interface DraftLayer {
  readonly layer: Layer;
  readonly facts?: GgufFacts;
  /** Status line instead of "using existing layer". */
  readonly status?: string;
  readonly isNew?: boolean;
  /** Text that becomes a blob when everything else is known to be right. */
  readonly content?: string;
  /** The quantization level it was written at already. */
  readonly level?: string;
}

export async function newLayer(store: ModelStore, kind: LayerKind, content: string): Promise<DraftLayer> {
  const digest = digestOf(content);
  const isNew = !(await store.blobs.has(digest));
  return { layer: { mediaType: mediaTypeOf(kind), digest, size: Buffer.byteLength(content) }, isNew, content };
}

/** Opens a blob and refuses with the reason what must not reach native code. */
export function inspect(store: ModelStore, digest: Digest): { facts: GgufFacts; kind: GgufKind } {
  return withGguf(store.blobs.path(digest), (gguf) => {
    validateGguf(gguf);
    return { facts: ggufFacts(gguf), kind: ggufKind(gguf) };
  });
}
