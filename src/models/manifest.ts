// Manifests: which blobs make a model. Bytes are kept as they came, since their hash is the model's digest.

import { type Static, Type as t } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type Digest, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";

export const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
export const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
const LAYER_PREFIX = "application/vnd.ollama.image.";

/** What a layer holds, by the last word of its media type. */
export const layerKinds = [
  "model",
  "projector",
  "adapter",
  "draft",
  "template",
  "prompt",
  "system",
  "params",
  "messages",
  "license",
  "tensor",
  "json",
  "embed",
] as const;
export type LayerKind = (typeof layerKinds)[number];

const LayerSchema = t.Object({
  mediaType: t.String(),
  digest: t.String(),
  size: t.Integer({ minimum: 0 }),
  from: t.Optional(t.String()),
  name: t.Optional(t.String()),
});
const ManifestSchema = t.Object({
  schemaVersion: t.Integer(),
  mediaType: t.Optional(t.String()),
  config: LayerSchema,
  layers: t.Array(LayerSchema, { maxItems: 10_000 }),
});

export interface Layer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** The model or the file that a layer was taken from, as Ollama notes it; weights that came as a file have none. */
  readonly from?: string;
  readonly name?: string;
}

export interface Manifest {
  readonly config: Layer;
  readonly layers: readonly Layer[];
}

export function mediaTypeOf(kind: LayerKind): string {
  return LAYER_PREFIX + kind;
}

export function layerKind(layer: Pick<Layer, "mediaType">): LayerKind | undefined {
  const word = layer.mediaType.startsWith(LAYER_PREFIX) ? layer.mediaType.slice(LAYER_PREFIX.length) : undefined;
  return layerKinds.find((kind) => kind === word);
}

export function layersOf(manifest: Manifest, kind: LayerKind): Layer[] {
  return manifest.layers.filter((layer) => layerKind(layer) === kind);
}

/** Throws `invalid` for anything that is not a manifest with well-formed digests and sizes. */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("invalid", "the manifest is not JSON", { cause: error });
  }
  if (!Value.Check(ManifestSchema, value)) {
    const first = Value.Errors(ManifestSchema, value).First();
    throw new AppError("invalid", `the manifest is malformed at ${first?.path ?? "/"}: ${first?.message ?? "?"}`);
  }
  const layer = (raw: Static<typeof LayerSchema>): Layer => ({ ...raw, digest: parseDigest(raw.digest) });
  return { config: layer(value.config), layers: value.layers.map(layer) };
}

/** Ollama's own bytes, line end included, so that equal models have equal digests in both programs. */
export function encodeManifest(manifest: Manifest): string {
  const layer = (value: Layer) => ({
    mediaType: value.mediaType,
    digest: value.digest,
    size: value.size,
    ...(value.from === undefined ? {} : { from: value.from }),
    ...(value.name === undefined ? {} : { name: value.name }),
  });
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: layer(manifest.config),
    layers: manifest.layers.map(layer),
  });
  return `${text}\n`;
}

export function manifestSize(manifest: Manifest): number {
  return manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size);
}
