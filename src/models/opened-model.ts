// A stored model with its small layers read: everything needed to show it, render for it, or load it.

import { type Static, Type as t } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { AppError } from "../base/errors.ts";
import type { GgufFacts } from "../formats/gguf/facts.ts";
import type { Adapter } from "./adapter-layers.ts";
import { checkedGgufFacts } from "./gguf-file.ts";
import { emptyConfig, type ImageConfig, parseImageConfig } from "./image-config.ts";
import { type Layer, layerKind, type LayerKind, layersOf } from "./manifest.ts";
import type { ModelName } from "./name.ts";
import type { ModelStore, StoredModel } from "./store.ts";

const StoredMessage = t.Object({ role: t.String(), content: t.Optional(t.String()) }, { additionalProperties: true });

export interface OpenedModel {
  readonly stored: StoredModel;
  readonly name: ModelName;
  readonly config: ImageConfig;
  /** File with the weights; undefined for a remote model. */
  readonly weightsPath: string | undefined;
  /** Where FROM came from, as its layer notes. */
  readonly parentModel: string;
  readonly adapters: readonly Adapter[];
  readonly projectorPaths: readonly string[];
  readonly draftPath: string | undefined;
  /** The TEMPLATE layer (a Go template), if there is one. */
  readonly template: string | undefined;
  readonly system: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly licenses: readonly string[];
  /** Facts from the weights, validated at first use; throws `invalid` when they are not to be trusted. */
  readonly facts: () => GgufFacts;
  /** The same of the draft model; undefined without one. */
  readonly draftFacts: () => GgufFacts | undefined;
}

/** What is read by native code, and may be a link to a file of the user's. */
const NATIVE: ReadonlySet<LayerKind | undefined> = new Set(["model", "adapter", "projector", "draft"] as const);

/** Throws `not-found` ("model 'x' not found", with the name as it was sent) when there is no such model. */
export async function openModel(store: ModelStore, name: ModelName, sentAs: string): Promise<OpenedModel> {
  const stored = await store.find(name);
  if (stored === undefined) throw new AppError("not-found", `model '${sentAs}' not found`);
  for (const layer of stored.manifest.layers) {
    if (NATIVE.has(layerKind(layer))) await requireGood(store, layer, stored.name.display);
  }
  return openStored(store, stored);
}

/** A missing file is found where it is used, and leads to a pull; a bad one is told here, before anything reads it. */
async function requireGood({ blobs }: ModelStore, { digest, size }: Layer, model: string): Promise<void> {
  if (blobs.isAsFoundWhole(digest, size)) return;
  await blobs.requireUnchanged(digest);
  const actual = await blobs.fileSize(digest);
  if (actual === undefined || (await blobs.isWhole(digest, size))) return;
  const how = actual === size ? "its content does not have its hash" : `${actual} bytes long instead of ${size}`;
  throw new AppError(
    "internal",
    `a file of model '${model}' is damaged (${how}): fetch it again with 'ollama pull ${model}', or make it again with 'ollama create'`,
  );
}

/** Small layers are named by their hash: they are read once for each manifest. */
const opened = new WeakMap<StoredModel, OpenedModel>();

export async function openStored(store: ModelStore, stored: StoredModel): Promise<OpenedModel> {
  const known = opened.get(stored);
  if (known !== undefined) return known;
  const hasConfig = await store.blobs.has(stored.manifest.config.digest);
  const model = await readLayers(store, stored, hasConfig);
  // A config that is missing may yet be fetched.
  if (hasConfig) opened.set(stored, model);
  return model;
}

async function readLayers(store: ModelStore, stored: StoredModel, hasConfig: boolean): Promise<OpenedModel> {
  const { manifest } = stored;
  const of = (kind: LayerKind): Layer[] => layersOf(manifest, kind);
  const path = (layer: Layer): string => store.blobs.path(layer.digest);
  const texts = (kind: LayerKind): Promise<string[]> =>
    Promise.all(of(kind).map((layer) => store.blobs.readText(layer.digest)));
  const config = hasConfig ? parseImageConfig(await store.blobs.readText(manifest.config.digest)) : emptyConfig;
  const weights = of("model")[0];
  const weightsPath = weights === undefined ? undefined : path(weights);
  const draftPath = of("draft").map(path)[0];
  const [templates, prompts, systems, params, messages, licenses] = await Promise.all([
    texts("template"),
    texts("prompt"),
    texts("system"),
    texts("params"),
    texts("messages"),
    texts("license"),
  ]);
  return {
    stored,
    name: stored.name,
    config,
    weightsPath,
    parentModel: weights?.from ?? "",
    adapters: of("adapter").map((layer) => ({ path: path(layer), scale: config.adapter_scales?.[layer.digest] ?? 1 })),
    projectorPaths: of("projector").map(path),
    draftPath,
    template: templates.at(-1) ?? prompts.at(-1),
    system: systems.at(-1) ?? "",
    params: parseParams(params.at(-1)),
    messages: parseMessages(messages.at(-1)),
    licenses,
    facts: () => {
      if (weightsPath === undefined) throw new AppError("unsupported", "the model has no local weights");
      return checkedGgufFacts(weightsPath);
    },
    draftFacts: () => (draftPath === undefined ? undefined : checkedGgufFacts(draftPath)),
  };
}

function parseParams(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AppError("invalid", "the model's parameters are malformed");
  }
  return value as Record<string, unknown>;
}

function parseMessages(text: string | undefined): { role: string; content: string }[] {
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  if (!Value.Check(t.Array(StoredMessage), value)) throw new AppError("invalid", "the model's messages are malformed");
  return value.map((message: Static<typeof StoredMessage>) => ({ role: message.role, content: message.content ?? "" }));
}
