// BERT as an embedding model: the encoder with its learned positions, and sentence-transformers' word on how tokens
// become one vector.

import {
  context,
  type Family,
  feedForward,
  requireOneOf,
  type TensorRule,
  tokenTypes,
  vocabulary,
  width,
} from "../family.ts";
import type { Fields } from "../json.ts";
import { poolingMetadata } from "../pooling.ts";
import { flag, float, type Metadata, uint } from "../values.ts";
import type { Sizes } from "../family.ts";

function sizes(config: Fields): Sizes {
  const heads = config.size("num_attention_heads");
  const hidden = config.size("hidden_size");
  return {
    layers: config.size("num_hidden_layers"),
    vocabulary: config.size("vocab_size"),
    width: hidden,
    feedForward: config.size("intermediate_size"),
    heads,
    kvHeads: heads,
    headSize: hidden / heads,
    context: config.size("max_position_embeddings"),
    tokenTypes: config.count("type_vocab_size") ?? 2,
  };
}

export function encoderMetadata(architecture: string, sizes: Sizes, epsilon: number): Metadata {
  const key = (name: string): string => `${architecture}.${name}`;
  return new Map([
    [key("context_length"), uint(sizes.context)],
    [key("embedding_length"), uint(sizes.width)],
    [key("block_count"), uint(sizes.layers)],
    [key("feed_forward_length"), uint(sizes.feedForward)],
    [key("attention.head_count"), uint(sizes.heads)],
    [key("attention.layer_norm_epsilon"), float(epsilon)],
    [key("attention.causal"), flag(false)],
    [key("vocab_size"), uint(sizes.vocabulary)],
    ["tokenizer.ggml.token_type_count", uint(sizes.tokenTypes)],
  ]);
}

/** Weight and bias of one part. */
export function pair(from: string, to: string, shape: TensorRule["shape"]): TensorRule[] {
  return [
    { from: `${from}.weight`, to: `${to}.weight`, shape },
    { from: `${from}.bias`, to: `${to}.bias`, shape: shape.slice(0, 1) },
  ];
}

/** Heads for training, which take no part in an embedding. */
export const trainingHeads: readonly RegExp[] = [/^pooler\./, /^cls\./, /(?:^|\.)position_ids$/];

export const bert: Family = {
  architecture: "bert",
  classes: ["BertModel"],
  tokenizers: ["wordPieces"],
  sizes,
  check: (config) => {
    requireOneOf(config, "hidden_act", ["gelu"]);
    requireOneOf(config, "position_embedding_type", ["absolute"]);
    requireOneOf(config, "is_decoder", [false]);
  },
  metadata: (config, sizes, checkpoint) =>
    new Map([
      ...encoderMetadata("bert", sizes, config.number("layer_norm_eps") ?? 1e-12),
      ...poolingMetadata("bert", checkpoint),
    ]),
  prefixes: ["bert."],
  tensors: [
    { from: "embeddings.word_embeddings.weight", to: "token_embd.weight", shape: [vocabulary, width] },
    { from: "embeddings.position_embeddings.weight", to: "position_embd.weight", shape: [context, width], exact: true },
    {
      from: "embeddings.token_type_embeddings.weight",
      to: "token_types.weight",
      shape: [tokenTypes, width],
      exact: true,
    },
    ...pair("embeddings.LayerNorm", "token_embd_norm", [width]),
    ...pair("encoder.layer.{}.attention.self.query", "blk.{}.attn_q", [width, width]),
    ...pair("encoder.layer.{}.attention.self.key", "blk.{}.attn_k", [width, width]),
    ...pair("encoder.layer.{}.attention.self.value", "blk.{}.attn_v", [width, width]),
    ...pair("encoder.layer.{}.attention.output.dense", "blk.{}.attn_output", [width, width]),
    ...pair("encoder.layer.{}.attention.output.LayerNorm", "blk.{}.attn_output_norm", [width]),
    ...pair("encoder.layer.{}.intermediate.dense", "blk.{}.ffn_up", [feedForward, width]),
    ...pair("encoder.layer.{}.output.dense", "blk.{}.ffn_down", [width, feedForward]),
    ...pair("encoder.layer.{}.output.LayerNorm", "blk.{}.layer_output_norm", [width]),
  ],
  ignored: trainingHeads,
};
