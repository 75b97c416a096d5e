// Phi-3, 3.5 and 4: query, key and value in one matrix, gate and up in another, and two sets of rotary factors for short
// and long contexts.

import { AppError } from "../../base/errors.ts";
import {
  decoderSizes,
  type Family,
  feedForward,
  gateAndUp,
  query,
  queryKeyValue,
  requireOneOf,
  type Sizes,
  width,
} from "../family.ts";
import type { Fields } from "../json.ts";
import { ropeOf } from "../rope.ts";
import { float, type Metadata, uint } from "../values.ts";
import { decoderMetadata, embeddingTensors, layerNorms, rotaryBuffers } from "./decoder.ts";

interface LongContext {
  readonly original: number;
  readonly rotated: number;
  readonly factors: { readonly long: readonly number[]; readonly short: readonly number[] } | undefined;
  readonly attentionFactor: number;
}

const SCALINGS = ["default", "su", "longrope", "yarn"];

function longContext(config: Fields, sizes: Sizes): LongContext {
  const { type, fields } = ropeOf(config);
  if (!SCALINGS.includes(type)) throw new AppError("unsupported", `${fields.where}: rope scaling "${type}" is unknown`);
  const portion = fields.number("partial_rotary_factor") ?? config.number("partial_rotary_factor") ?? 1;
  const rotated = Math.trunc(portion * sizes.headSize);
  const name = "original_max_position_embeddings";
  const original = fields.count(name) ?? config.count(name) ?? sizes.context;
  const [long, short] = [fields.numbers("long_factor"), fields.numbers("short_factor")];
  if (long === undefined && short === undefined) return { original, rotated, factors: undefined, attentionFactor: 1 };
  if (long === undefined || short === undefined || long.length !== rotated / 2 || short.length !== rotated / 2) {
    throw new AppError(
      "invalid",
      `${fields.where}: long_factor and short_factor must have ${rotated / 2} numbers each`,
    );
  }
  const scale = sizes.context / original;
  const grown = type === "yarn" ? 0.1 * Math.log(scale) + 1 : Math.sqrt(1 + Math.log(scale) / Math.log(original));
  return { original, rotated, factors: { long, short }, attentionFactor: scale > 1 ? grown : 1 };
}

function metadata(config: Fields, sizes: Sizes): Metadata {
  const { original, rotated, factors, attentionFactor } = longContext(config, sizes);
  const { theta, fields } = ropeOf(config);
  // The factors come as tensors, so no scaling of the engine's own is asked for.
  const metadata = decoderMetadata("phi3", config, sizes, { theta, type: "default", fields });
  metadata.set("phi3.rope.dimension_count", uint(rotated));
  metadata.set("phi3.rope.scaling.original_context_length", uint(original));
  if (factors !== undefined) metadata.set("phi3.rope.scaling.attn_factor", float(attentionFactor));
  metadata.set("phi3.attention.sliding_window", uint(config.count("sliding_window") ?? 0));
  return metadata;
}

export const phi3: Family = {
  architecture: "phi3",
  classes: ["Phi3ForCausalLM"],
  tokenizers: ["sentencepiece", "bytePairs"],
  sizes: decoderSizes,
  check: (config) => requireOneOf(config, "hidden_act", ["silu"]),
  metadata,
  tensors: [
    ...embeddingTensors,
    { from: "model.layers.{}.self_attn.qkv_proj.weight", to: "blk.{}.attn_qkv.weight", shape: [queryKeyValue, width] },
    { from: "model.layers.{}.self_attn.o_proj.weight", to: "blk.{}.attn_output.weight", shape: [width, query] },
    { from: "model.layers.{}.mlp.gate_up_proj.weight", to: "blk.{}.ffn_up.weight", shape: [gateAndUp, width] },
    { from: "model.layers.{}.mlp.down_proj.weight", to: "blk.{}.ffn_down.weight", shape: [width, feedForward] },
    ...layerNorms,
  ],
  extraTensors: (config, sizes) => {
    const { factors } = longContext(config, sizes);
    if (factors === undefined) return [];
    return [
      { to: "rope_factors_long.weight", values: factors.long },
      { to: "rope_factors_short.weight", values: factors.short },
    ];
  },
  ignored: rotaryBuffers,
};
