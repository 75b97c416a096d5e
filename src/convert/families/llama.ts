// Llama 1 to 3, and what is built alike: Mistral, SmolLM.

import { decoderSizes, feedForward, type Family, requireOneOf, type TensorRule, width } from "../family.ts";
import { llama3Factors, ropeOf } from "../rope.ts";
import {
  attentionTensors,
  decoderMetadata,
  embeddingTensors,
  gatedFeedForward,
  layerNorms,
  rotaryBuffers,
} from "./decoder.ts";

const feedForwardBiases: readonly TensorRule[] = [
  { from: "model.layers.{}.mlp.gate_proj.bias", to: "blk.{}.ffn_gate.bias", shape: [feedForward], optional: true },
  { from: "model.layers.{}.mlp.up_proj.bias", to: "blk.{}.ffn_up.bias", shape: [feedForward], optional: true },
  { from: "model.layers.{}.mlp.down_proj.bias", to: "blk.{}.ffn_down.bias", shape: [width], optional: true },
];

export const llama: Family = {
  architecture: "llama",
  classes: ["LlamaForCausalLM", "MistralForCausalLM"],
  tokenizers: ["sentencepiece", "bytePairs"],
  sizes: decoderSizes,
  check: (config) => requireOneOf(config, "hidden_act", ["silu", "swish"]),
  metadata: (config, sizes) => decoderMetadata("llama", config, sizes, ropeOf(config)),
  tensors: [...embeddingTensors, ...attentionTensors(true), ...gatedFeedForward, ...feedForwardBiases, ...layerNorms],
  extraTensors: (config, sizes) => {
    const rope = ropeOf(config);
    return rope.type === "llama3" ? [{ to: "rope_freqs.weight", values: llama3Factors(rope, sizes.headSize) }] : [];
  },
  ignored: rotaryBuffers,
};
