// What a model keeps in memory for each token and each sequence, layer by layer, at 16 bits a value. An estimate for
// scheduling that errs upward: a layer whose kind is not known counts as full attention (llama.cpp: src/llama-hparams.cpp).

import { CACHELESS_ARCHITECTURES, RECURRENT_ARCHITECTURES } from "./architectures.ts";
import { LIMITS } from "./limits.ts";
import type { GgufMetadata } from "./metadata.ts";

export interface CacheFacts {
  /** The largest of any layer. */
  readonly headCount: number;
  /** The largest of any layer. */
  readonly headCountKv: number;
  /** Bytes a token of context takes in layers that see the whole context. */
  readonly kvBytesPerToken: number;
  /** Bytes a token takes in layers that see only the sliding window; those stop growing there. */
  readonly slidingKvBytesPerToken: number;
  /** Bytes of recurrent state of one sequence, whatever its length. */
  readonly recurrentBytesPerSequence: number;
}

const F16_BYTES = 2;
const F32_BYTES = 4;

interface SlidingPattern {
  /** Every n-th layer sees everything. */
  readonly every: number;
  /** That layer comes first in its group instead of last. */
  readonly fullFirst?: boolean;
}

// The architectures llama.cpp windows by attention.sliding_window, and how when attention.sliding_window_pattern does
// not say (load_swa_pattern in src/models). Those with a fixed window of their own count as full attention.
const SLIDING_PATTERNS: ReadonlyMap<string, SlidingPattern> = new Map<string, SlidingPattern>([
  ["afmoe", { every: 4 }],
  ["cohere2", { every: 4 }],
  ["cohere2moe", { every: 4, fullFirst: true }],
  ["exaone-moe", { every: 4 }],
  ["gemma-embedding", { every: 6 }],
  ["gemma2", { every: 2 }],
  ["gemma3", { every: 6 }],
  ["gemma3n", { every: 5 }],
  ["gpt-oss", { every: 2 }],
  ["laguna", { every: 4, fullFirst: true }],
  ["mellum", { every: 4 }],
  ["modern-bert", { every: 3, fullFirst: true }],
  ["muse-glimmer", { every: 4 }],
  ["olmo2", { every: 4 }],
  ["plamo3", { every: 8 }],
  // Only ever by a list.
  ...["dots3note", "gemma4", "gemma4-assistant", "granite_swa", "maple", "mimo2", "spark2_5", "step35"].map(
    (name): [string, SlidingPattern] => [name, { every: 1 }],
  ),
]);

interface Layer {
  readonly kvHeads: number;
  readonly sliding: boolean;
  readonly recurrent: boolean;
}

export function cacheFacts(metadata: GgufMetadata): CacheFacts {
  const uint = (name: string): number => metadata.uint(metadata.architectureKey(name)) ?? 0;
  const layers = describeLayers(metadata, Math.min(uint("block_count"), LIMITS.layers));
  const headCount = largest(perLayer(metadata, "attention.head_count", layers.length));
  const headSize = headCount > 0 ? Math.floor(uint("embedding_length") / headCount) : 0;
  const keyLength = uint("attention.key_length") || headSize;
  // With latent attention the values are a view of the keys (llama.cpp: src/llama-kv-cache.cpp).
  const valueLength = uint("attention.key_length_mla") > 0 ? 0 : uint("attention.value_length") || headSize;
  const slidingKeyLength = uint("attention.key_length_swa") || keyLength;
  const slidingValueLength = uint("attention.value_length_swa") || valueLength;
  const cached = CACHELESS_ARCHITECTURES.has(metadata.architecture) ? [] : layers;
  const recurrentLayers = layers.filter(({ recurrent }) => recurrent).length;
  return {
    headCount,
    headCountKv: largest(layers.map(({ kvHeads }) => kvHeads)),
    kvBytesPerToken: kvHeadsOf(cached, false) * (keyLength + valueLength) * F16_BYTES,
    slidingKvBytesPerToken: kvHeadsOf(cached, true) * (slidingKeyLength + slidingValueLength) * F16_BYTES,
    recurrentBytesPerSequence: recurrentLayers * stateValues(uint, headCount) * F32_BYTES,
  };
}

function describeLayers(metadata: GgufMetadata, count: number): Layer[] {
  const { architecture } = metadata;
  const uint = (name: string): number => metadata.uint(metadata.architectureKey(name)) ?? 0;
  const heads = perLayer(metadata, "attention.head_count", count);
  const kvHeads = metadata.perLayer(metadata.architectureKey("attention.head_count_kv"), count) ?? heads;
  const isSliding = slidingLayers(metadata, count);
  const interval = uint("full_attention_interval");
  const withoutCache = uint("attention.shared_kv_layers");
  const alwaysRecurrent = RECURRENT_ARCHITECTURES.has(architecture);
  const hasState = alwaysRecurrent || uint("ssm.state_size") > 0 || uint("shortconv.l_cache") > 0;
  return Array.from({ length: count }, (_, index) => {
    const linear = interval > 1 && (index + 1) % interval !== 0;
    const keeps = !alwaysRecurrent && !linear && index < count - withoutCache;
    const layerHeads = keeps ? (kvHeads[index] ?? 0) : 0;
    // Falcon-H1 has both in every layer.
    const recurrent = hasState && (layerHeads === 0 || architecture === "falcon-h1");
    return { kvHeads: layerHeads, sliding: isSliding(index), recurrent };
  });
}

function slidingLayers(metadata: GgufMetadata, count: number): (layer: number) => boolean {
  const window = metadata.uint(metadata.architectureKey("attention.sliding_window")) ?? 0;
  const key = metadata.architectureKey("attention.sliding_window_pattern");
  const known = SLIDING_PATTERNS.get(metadata.architecture);
  if (window === 0 || known === undefined) return () => false;
  if (metadata.array(key) !== undefined) {
    const flags = metadata.perLayer(key, count) ?? [];
    return (layer) => flags[layer] === 1;
  }
  const every = metadata.uint(key) ?? known.every;
  if (every === 0) return () => true;
  const full = known.fullFirst === true ? 0 : every - 1;
  return (layer) => layer % every !== full;
}

function kvHeadsOf(layers: readonly Layer[], sliding: boolean): number {
  return layers.reduce((total, layer) => total + (layer.sliding === sliding ? layer.kvHeads : 0), 0);
}

/** Values of convolution and state of one recurrent layer. */
function stateValues(uint: (name: string) => number, headCount: number): number {
  const width = uint("embedding_length");
  const wkvHeadSize = uint("wkv.head_size");
  if (wkvHeadSize > 0) return (uint("token_shift_count") || 2) * width + width * wkvHeadSize;
  const shortConvolution = uint("shortconv.l_cache");
  if (shortConvolution > 0) return width * (shortConvolution - 1);
  const kernel = uint("ssm.conv_kernel");
  const deltaHead = uint("kda.head_dim");
  if (deltaHead > 0) return 3 * Math.max(kernel - 1, 3) * headCount * deltaHead + deltaHead * deltaHead * headCount;
  const inner = uint("ssm.inner_size");
  const state = uint("ssm.state_size");
  return Math.max(kernel - 1, 0) * (inner + 2 * uint("ssm.group_count") * state) + state * inner;
}

function perLayer(metadata: GgufMetadata, name: string, count: number): number[] {
  return metadata.perLayer(metadata.architectureKey(name), count) ?? [];
}

function largest(values: readonly number[]): number {
  return Math.max(0, ...values);
}
