// What Llama, Qwen, Gemma and Phi have in common: keys every decoder needs and tensors most of them name alike.

import type { Fields } from "../json.ts";
import { feedForward, headSize, keyValue, query, type Sizes, type TensorRule, vocabulary, width } from "../family.ts";
import { addRopeScaling, type Rope } from "../rope.ts";
import { float, type Metadata, uint } from "../values.ts";

export function decoderMetadata(architecture: string, config: Fields, sizes: Sizes, rope: Rope): Metadata {
  const key = (name: string): string => `${architecture}.${name}`;
  const metadata: Metadata = new Map([
    [key("context_length"), uint(sizes.context)],
    [key("embedding_length"), uint(sizes.width)],
    [key("block_count"), uint(sizes.layers)],
    [key("feed_forward_length"), uint(sizes.feedForward)],
    [key("attention.head_count"), uint(sizes.heads)],
    [key("attention.head_count_kv"), uint(sizes.kvHeads)],
    [key("attention.key_length"), uint(sizes.headSize)],
    [key("attention.value_length"), uint(sizes.headSize)],
    [key("attention.layer_norm_rms_epsilon"), float(config.number("rms_norm_eps") ?? 1e-6)],
    [key("vocab_size"), uint(sizes.vocabulary)],
    [key("rope.dimension_count"), uint(sizes.headSize)],
    [key("rope.freq_base"), float(rope.theta)],
  ]);
  addRopeScaling(metadata, architecture, rope, sizes.context);
  return metadata;
}

export const embeddingTensors: readonly TensorRule[] = [
  { from: "model.embed_tokens.weight", to: "token_embd.weight", shape: [vocabulary, width] },
  { from: "model.norm.weight", to: "output_norm.weight", shape: [width] },
  // Left out where the output shares the embedding's table.
  { from: "lm_head.weight", to: "output.weight", shape: [vocabulary, width], optional: true },
];

const LAYER = "model.layers.{}.";

/** Query, key and value apart; `interleave` as the family's rotation needs it. */
export function attentionTensors(interleave: boolean): readonly TensorRule[] {
  const rotated = interleave ? { interleave: true as const } : {};
  const bias = { optional: true as const };
  return [
    { from: `${LAYER}self_attn.q_proj.weight`, to: "blk.{}.attn_q.weight", shape: [query, width], ...rotated },
    { from: `${LAYER}self_attn.q_proj.bias`, to: "blk.{}.attn_q.bias", shape: [query], ...rotated, ...bias },
    { from: `${LAYER}self_attn.k_proj.weight`, to: "blk.{}.attn_k.weight", shape: [keyValue, width], ...rotated },
    { from: `${LAYER}self_attn.k_proj.bias`, to: "blk.{}.attn_k.bias", shape: [keyValue], ...rotated, ...bias },
    { from: `${LAYER}self_attn.v_proj.weight`, to: "blk.{}.attn_v.weight", shape: [keyValue, width] },
    { from: `${LAYER}self_attn.v_proj.bias`, to: "blk.{}.attn_v.bias", shape: [keyValue], ...bias },
    { from: `${LAYER}self_attn.o_proj.weight`, to: "blk.{}.attn_output.weight", shape: [width, query] },
    { from: `${LAYER}self_attn.o_proj.bias`, to: "blk.{}.attn_output.bias", shape: [width], ...bias },
  ];
}

export const queryKeyNorms: readonly TensorRule[] = [
  { from: `${LAYER}self_attn.q_norm.weight`, to: "blk.{}.attn_q_norm.weight", shape: [headSize] },
  { from: `${LAYER}self_attn.k_norm.weight`, to: "blk.{}.attn_k_norm.weight", shape: [headSize] },
];

export const gatedFeedForward: readonly TensorRule[] = [
  { from: `${LAYER}mlp.gate_proj.weight`, to: "blk.{}.ffn_gate.weight", shape: [feedForward, width] },
  { from: `${LAYER}mlp.up_proj.weight`, to: "blk.{}.ffn_up.weight", shape: [feedForward, width] },
  { from: `${LAYER}mlp.down_proj.weight`, to: "blk.{}.ffn_down.weight", shape: [width, feedForward] },
];

/** One norm before attention, one before the feed-forward part. */
export const layerNorms: readonly TensorRule[] = [
  { from: `${LAYER}input_layernorm.weight`, to: "blk.{}.attn_norm.weight", shape: [width] },
  { from: `${LAYER}post_attention_layernorm.weight`, to: "blk.{}.ffn_norm.weight", shape: [width] },
];

/** Buffers that old checkpoints carry; they follow from the config. */
export const rotaryBuffers: readonly RegExp[] = [/\.rotary_emb\.inv_freq$/];
