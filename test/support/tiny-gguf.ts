// Tiny models with random weights, the same on every run, each under 1 MB and complete enough for llama.cpp to load:
// tensor names and shapes follow its src/models, keys its load_hparams. Their text is noise; their mechanics are real.

import {
  encodeHeader,
  type GgufLayout,
  type GgufWriteTensor,
  type GgufWriteValue,
} from "../../src/formats/gguf/write.ts";
import { seededRandom, type SeededRandom } from "./seeded-random.ts";
import {
  flag,
  float,
  integers,
  text,
  tinyBytePairs,
  tinySentencePieces,
  tinyWordPieces,
  uint,
  type TinyVocabulary,
} from "./tiny-vocabulary.ts";

export const TINY_MODELS = ["llama", "gemma3", "mamba", "lfm2", "bert", "reranker"] as const;
export type TinyModel = (typeof TINY_MODELS)[number];

const WIDTH = 64;
const HIDDEN = 128;
const HEADS = 2;
const KV_HEADS = 1;
const HEAD_SIZE = WIDTH / HEADS;
const KV_WIDTH = KV_HEADS * HEAD_SIZE;
const F32 = 0;

/** A fresh layout each time: tests may change it before it becomes bytes. */
export interface TinyLayout extends GgufLayout {
  readonly metadata: Map<string, GgufWriteValue>;
  readonly tensors: (GgufWriteTensor & { readonly data: Uint8Array })[];
}

export function tinyGguf(model: TinyModel, seed = 1): Uint8Array {
  return layoutBytes(tinyLayout(model, seed));
}

export function tinyLayout(model: TinyModel, seed = 1): TinyLayout {
  return BUILDERS[model](new Weights(seededRandom(seed)));
}

/** A LoRA of rank 4 for the tiny llama. */
export function tinyAdapterLayout(seed = 2): TinyLayout {
  const weights = new Weights(seededRandom(seed));
  weights.matrix("blk.0.attn_q.weight.lora_a", WIDTH, 4);
  weights.matrix("blk.0.attn_q.weight.lora_b", 4, WIDTH);
  const metadata = new Map<string, GgufWriteValue>([
    ["general.architecture", text("llama")],
    ["general.type", text("adapter")],
    ["adapter.type", text("lora")],
    ["adapter.lora.alpha", float(8)],
  ]);
  return { metadata, tensors: weights.tensors };
}

/** What `create` must recognise as a projector; no engine could see with it. */
export function tinyProjectorLayout(seed = 3): TinyLayout {
  const weights = new Weights(seededRandom(seed));
  weights.matrix("mm.0.weight", WIDTH, WIDTH);
  const metadata = new Map<string, GgufWriteValue>([
    ["general.architecture", text("clip")],
    ["general.type", text("mmproj")],
    ["clip.has_vision_encoder", flag(true)],
    ["clip.projector_type", text("mlp")],
  ]);
  return { metadata, tensors: weights.tensors };
}

export function layoutBytes(layout: TinyLayout): Uint8Array {
  const alignment = layout.alignment ?? 32;
  const parts = [encodeHeader(layout)];
  for (const { data } of layout.tensors) {
    parts.push(data, new Uint8Array((alignment - (data.byteLength % alignment)) % alignment));
  }
  return Buffer.concat(parts);
}

class Weights {
  readonly tensors: TinyLayout["tensors"] = [];
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  matrix(name: string, inputs: number, outputs: number): void {
    this.#add(name, [inputs, outputs], () => this.#random.normal(1 / Math.sqrt(inputs)));
  }

  /** Rows of unit variance, one a token or position. */
  table(name: string, rows: number): void {
    this.#add(name, [WIDTH, rows], () => this.#random.normal(1));
  }

  norm(name: string, size = WIDTH): void {
    this.#add(name, [size], () => 1 + this.#random.normal(0.1));
  }

  bias(name: string, size: number): void {
    this.#add(name, [size], () => this.#random.normal(0.1));
  }

  /** Decay rates of a state space: all negative, so that the state cannot grow. */
  decay(name: string, states: number, channels: number): void {
    this.#add(name, [states, channels], () => -0.5 - this.#random.next());
  }

  #add(name: string, shape: readonly number[], value: () => number): void {
    const elements = shape.reduce((product, length) => product * length, 1);
    const data = new Uint8Array(Float32Array.from({ length: elements }, value).buffer);
    this.tensors.push({ name, type: F32, shape, data });
  }
}

const BUILDERS: Readonly<Record<TinyModel, (weights: Weights) => TinyLayout>> = {
  llama: buildLlama,
  gemma3: buildGemma3,
  mamba: buildMamba,
  lfm2: buildLfm2,
  bert: (weights) => buildBert(weights, false),
  reranker: (weights) => buildBert(weights, true),
};

function describe(
  architecture: string,
  layers: number,
  contextLength: number,
  keys: Readonly<Record<string, GgufWriteValue>>,
  vocabulary: TinyVocabulary,
): Map<string, GgufWriteValue> {
  return new Map<string, GgufWriteValue>([
    ["general.architecture", text(architecture)],
    ["general.type", text("model")],
    ["general.name", text(`Tiny ${architecture}`)],
    ["general.file_type", uint(F32)],
    [`${architecture}.block_count`, uint(layers)],
    [`${architecture}.context_length`, uint(contextLength)],
    [`${architecture}.embedding_length`, uint(WIDTH)],
    ...Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value] as const),
    ...vocabulary.metadata,
  ]);
}

function addFrame(weights: Weights, vocabulary: TinyVocabulary, outputNorm: string): void {
  weights.table("token_embd.weight", vocabulary.size);
  weights.norm(outputNorm);
  weights.matrix("output.weight", WIDTH, vocabulary.size);
}

function addAttention(weights: Weights, layer: number, kvWidth = KV_WIDTH): void {
  weights.matrix(`blk.${layer}.attn_q.weight`, WIDTH, WIDTH);
  weights.matrix(`blk.${layer}.attn_k.weight`, WIDTH, kvWidth);
  weights.matrix(`blk.${layer}.attn_v.weight`, WIDTH, kvWidth);
  weights.matrix(`blk.${layer}.attn_output.weight`, WIDTH, WIDTH);
}

function addGatedFeedForward(weights: Weights, layer: number): void {
  weights.norm(`blk.${layer}.ffn_norm.weight`);
  weights.matrix(`blk.${layer}.ffn_gate.weight`, WIDTH, HIDDEN);
  weights.matrix(`blk.${layer}.ffn_up.weight`, WIDTH, HIDDEN);
  weights.matrix(`blk.${layer}.ffn_down.weight`, HIDDEN, WIDTH);
}

function addQueryKeyNorms(weights: Weights, layer: number): void {
  weights.norm(`blk.${layer}.attn_q_norm.weight`, HEAD_SIZE);
  weights.norm(`blk.${layer}.attn_k_norm.weight`, HEAD_SIZE);
}

function buildLlama(weights: Weights): TinyLayout {
  const layers = 2;
  const vocabulary = tinyBytePairs();
  addFrame(weights, vocabulary, "output_norm.weight");
  for (let layer = 0; layer < layers; layer++) {
    weights.norm(`blk.${layer}.attn_norm.weight`);
    addAttention(weights, layer);
    addGatedFeedForward(weights, layer);
  }
  const keys = {
    feed_forward_length: uint(HIDDEN),
    "attention.head_count": uint(HEADS),
    "attention.head_count_kv": uint(KV_HEADS),
    "attention.layer_norm_rms_epsilon": float(1e-5),
    "rope.dimension_count": uint(HEAD_SIZE),
    "rope.freq_base": float(10_000),
    vocab_size: uint(vocabulary.size),
  };
  return { metadata: describe("llama", layers, 2048, keys, vocabulary), tensors: weights.tensors };
}

/** Every second layer sees only the last 32 tokens. */
function buildGemma3(weights: Weights): TinyLayout {
  const layers = 4;
  const vocabulary = tinySentencePieces();
  addFrame(weights, vocabulary, "output_norm.weight");
  for (let layer = 0; layer < layers; layer++) {
    weights.norm(`blk.${layer}.attn_norm.weight`);
    addAttention(weights, layer);
    addQueryKeyNorms(weights, layer);
    weights.norm(`blk.${layer}.post_attention_norm.weight`);
    addGatedFeedForward(weights, layer);
    weights.norm(`blk.${layer}.post_ffw_norm.weight`);
  }
  const keys = {
    feed_forward_length: uint(HIDDEN),
    "attention.head_count": uint(HEADS),
    "attention.head_count_kv": uint(KV_HEADS),
    "attention.key_length": uint(HEAD_SIZE),
    "attention.value_length": uint(HEAD_SIZE),
    "attention.layer_norm_rms_epsilon": float(1e-6),
    "attention.sliding_window": uint(32),
    "attention.sliding_window_pattern": uint(2),
    "rope.freq_base": float(1_000_000),
  };
  return { metadata: describe("gemma3", layers, 2048, keys, vocabulary), tensors: weights.tensors };
}

function buildMamba(weights: Weights): TinyLayout {
  const layers = 2;
  const inner = 2 * WIDTH;
  const states = 16;
  const rank = 4;
  const kernel = 4;
  const vocabulary = tinyBytePairs("default");
  addFrame(weights, vocabulary, "output_norm.weight");
  for (let layer = 0; layer < layers; layer++) {
    weights.norm(`blk.${layer}.attn_norm.weight`);
    weights.matrix(`blk.${layer}.ssm_in.weight`, WIDTH, 2 * inner);
    weights.matrix(`blk.${layer}.ssm_conv1d.weight`, kernel, inner);
    weights.bias(`blk.${layer}.ssm_conv1d.bias`, inner);
    weights.matrix(`blk.${layer}.ssm_x.weight`, inner, rank + 2 * states);
    weights.matrix(`blk.${layer}.ssm_dt.weight`, rank, inner);
    weights.bias(`blk.${layer}.ssm_dt.bias`, inner);
    weights.decay(`blk.${layer}.ssm_a`, states, inner);
    weights.norm(`blk.${layer}.ssm_d`, inner);
    weights.matrix(`blk.${layer}.ssm_out.weight`, inner, WIDTH);
  }
  const keys = {
    feed_forward_length: uint(0),
    "attention.head_count": uint(0),
    "attention.layer_norm_rms_epsilon": float(1e-5),
    "ssm.conv_kernel": uint(kernel),
    "ssm.inner_size": uint(inner),
    "ssm.state_size": uint(states),
    "ssm.time_step_rank": uint(rank),
  };
  return { metadata: describe("mamba", layers, 2048, keys, vocabulary), tensors: weights.tensors };
}

/** A hybrid: layers with a short convolution between layers with attention. */
function buildLfm2(weights: Weights): TinyLayout {
  const kvHeads = [0, KV_HEADS, 0, KV_HEADS];
  const kernel = 3;
  const vocabulary = tinyBytePairs("default");
  addFrame(weights, vocabulary, "token_embd_norm.weight");
  for (const [layer, count] of kvHeads.entries()) {
    weights.norm(`blk.${layer}.attn_norm.weight`);
    if (count > 0) {
      addQueryKeyNorms(weights, layer);
      addAttention(weights, layer);
    } else {
      weights.matrix(`blk.${layer}.shortconv.conv.weight`, kernel, WIDTH);
      weights.matrix(`blk.${layer}.shortconv.in_proj.weight`, WIDTH, 3 * WIDTH);
      weights.matrix(`blk.${layer}.shortconv.out_proj.weight`, WIDTH, WIDTH);
    }
    addGatedFeedForward(weights, layer);
  }
  const keys = {
    feed_forward_length: uint(HIDDEN),
    "attention.head_count": uint(HEADS),
    "attention.head_count_kv": integers(kvHeads),
    "attention.layer_norm_rms_epsilon": float(1e-5),
    "rope.freq_base": float(1_000_000),
    "shortconv.l_cache": uint(kernel),
    vocab_size: uint(vocabulary.size),
  };
  return { metadata: describe("lfm2", kvHeads.length, 2048, keys, vocabulary), tensors: weights.tensors };
}

function buildBert(weights: Weights, ranks: boolean): TinyLayout {
  const layers = 2;
  const contextLength = 512;
  const vocabulary = tinyWordPieces();
  weights.table("token_embd.weight", vocabulary.size);
  weights.table("token_types.weight", 2);
  weights.table("position_embd.weight", contextLength);
  addAffineNorm(weights, "token_embd_norm");
  for (let layer = 0; layer < layers; layer++) {
    addAttention(weights, layer, WIDTH);
    for (const part of ["q", "k", "v", "output"]) weights.bias(`blk.${layer}.attn_${part}.bias`, WIDTH);
    addAffineNorm(weights, `blk.${layer}.attn_output_norm`);
    weights.matrix(`blk.${layer}.ffn_up.weight`, WIDTH, HIDDEN);
    weights.bias(`blk.${layer}.ffn_up.bias`, HIDDEN);
    weights.matrix(`blk.${layer}.ffn_down.weight`, HIDDEN, WIDTH);
    weights.bias(`blk.${layer}.ffn_down.bias`, WIDTH);
    addAffineNorm(weights, `blk.${layer}.layer_output_norm`);
  }
  if (ranks) {
    weights.matrix("cls.weight", WIDTH, WIDTH);
    weights.bias("cls.bias", WIDTH);
    weights.matrix("cls.output.weight", WIDTH, 1);
    weights.bias("cls.output.bias", 1);
  }
  const keys = {
    feed_forward_length: uint(HIDDEN),
    "attention.head_count": uint(HEADS),
    "attention.layer_norm_epsilon": float(1e-12),
    "attention.causal": flag(false),
    pooling_type: uint(ranks ? 4 : 1),
  };
  return { metadata: describe("bert", layers, contextLength, keys, vocabulary), tensors: weights.tensors };
}

function addAffineNorm(weights: Weights, name: string): void {
  weights.norm(`${name}.weight`);
  weights.bias(`${name}.bias`, WIDTH);
}
