// Nomic's BERT: rotary positions, a gated feed-forward part, no biases. Its config speaks GPT-2's words.

import {
  type Family,
  feedForward,
  queryKeyValue,
  requireOneOf,
  type Sizes,
  tokenTypes,
  vocabulary,
  width,
} from "../family.ts";
import type { Fields } from "../json.ts";
import { poolingMetadata } from "../pooling.ts";
import { ropeOf } from "../rope.ts";
import { float } from "../values.ts";
import { encoderMetadata, pair, trainingHeads } from "./bert.ts";

function sizes(config: Fields): Sizes {
  const heads = config.size("n_head", "num_attention_heads");
  const hidden = config.size("n_embd", "hidden_size");
  const positions = config.size("n_positions", "max_position_embeddings");
  return {
    layers: config.size("n_layer", "num_hidden_layers"),
    vocabulary: config.size("vocab_size"),
    width: hidden,
    feedForward: config.size("n_inner", "intermediate_size"),
    heads,
    kvHeads: heads,
    headSize: hidden / heads,
    // Beyond what it was trained on, it would need another rotation than the engine's (llama.cpp: conversion/bert.py).
    context: Math.min(positions, config.count("max_trained_positions") ?? 2048),
    tokenTypes: config.count("type_vocab_size") ?? 2,
  };
}

function check(config: Fields): void {
  requireOneOf(config, "activation_function", ["swiglu"]);
  requireOneOf(config, "hidden_act", ["silu"]);
  for (const field of [
    "causal",
    "prenorm",
    "qkv_proj_bias",
    "mlp_fc1_bias",
    "mlp_fc2_bias",
    "rotary_emb_interleaved",
  ]) {
    requireOneOf(config, field, [false]);
  }
  requireOneOf(config, "rotary_emb_fraction", [1]);
  requireOneOf(config, "rotary_emb_scale_base", []);
  requireOneOf(config, "moe_every_n_layers", [0]);
}

export const nomicBert: Family = {
  architecture: "nomic-bert",
  classes: ["NomicBertModel"],
  tokenizers: ["wordPieces"],
  sizes,
  check,
  metadata: (config, sizes, checkpoint) => {
    const epsilon = config.number("layer_norm_epsilon") ?? config.number("layer_norm_eps") ?? 1e-12;
    const metadata = encoderMetadata("nomic-bert", sizes, epsilon);
    const theta = config.number("rotary_emb_base") ?? ropeOf(config, undefined, 1000).theta;
    metadata.set("nomic-bert.rope.freq_base", float(theta));
    for (const [key, value] of poolingMetadata("nomic-bert", checkpoint)) metadata.set(key, value);
    return metadata;
  },
  tensors: [
    { from: "embeddings.word_embeddings.weight", to: "token_embd.weight", shape: [vocabulary, width] },
    {
      from: "embeddings.token_type_embeddings.weight",
      to: "token_types.weight",
      shape: [tokenTypes, width],
      exact: true,
    },
    ...pair("emb_ln", "token_embd_norm", [width]),
    { from: "encoder.layers.{}.attn.Wqkv.weight", to: "blk.{}.attn_qkv.weight", shape: [queryKeyValue, width] },
    { from: "encoder.layers.{}.attn.out_proj.weight", to: "blk.{}.attn_output.weight", shape: [width, width] },
    ...pair("encoder.layers.{}.norm1", "blk.{}.attn_output_norm", [width]),
    { from: "encoder.layers.{}.mlp.fc11.weight", to: "blk.{}.ffn_up.weight", shape: [feedForward, width] },
    { from: "encoder.layers.{}.mlp.fc12.weight", to: "blk.{}.ffn_gate.weight", shape: [feedForward, width] },
    { from: "encoder.layers.{}.mlp.fc2.weight", to: "blk.{}.ffn_down.weight", shape: [width, feedForward] },
    ...pair("encoder.layers.{}.norm2", "blk.{}.layer_output_norm", [width]),
  ],
  ignored: trainingHeads,
};
