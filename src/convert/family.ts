// What a family of models is to the converter: tables that say which tensor becomes which, of what shape, and how the
// config's numbers are called in GGUF. Names of tensors and keys are llama.cpp's (gguf-py/gguf/constants.py).

import { AppError } from "../base/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Fields } from "./json.ts";
import type { Metadata } from "./values.ts";

/** The numbers that shapes are made of. */
export interface Sizes {
  readonly layers: number;
  readonly vocabulary: number;
  readonly width: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly context: number;
  readonly tokenTypes: number;
}

export type Dimension = (sizes: Sizes) => number;

export interface TensorRule {
  /** "{}" stands for the layer. */
  readonly from: string;
  readonly to: string;
  readonly shape: readonly Dimension[];
  /** A model without it is whole. */
  readonly optional?: true;
  /** Always F32: the engine adds it to activations or looks it up. */
  readonly exact?: true;
  /** Rows of each head go from two halves to pairs: llama.cpp rotates neighbours, transformers rotates halves. */
  readonly interleave?: true;
  /** transformers stores these weights less one. */
  readonly plusOne?: true;
}

export interface ExtraTensor {
  readonly to: string;
  readonly values: readonly number[];
}

export interface Family {
  /** general.architecture. */
  readonly architecture: string;
  /** Of config.json's `architectures`. */
  readonly classes: readonly string[];
  readonly tokenizers: readonly ("sentencepiece" | "bytePairs" | "wordPieces")[];
  readonly sizes: (config: Fields) => Sizes;
  /** Throws where the config asks for something that the engine would silently do otherwise. */
  readonly check: (config: Fields, sizes: Sizes) => void;
  readonly metadata: (config: Fields, sizes: Sizes, checkpoint: Checkpoint) => Metadata;
  readonly tensors: readonly TensorRule[];
  readonly extraTensors?: (config: Fields, sizes: Sizes) => readonly ExtraTensor[];
  /** Prefixes that say where a model is embedded, not what it is. */
  readonly prefixes?: readonly string[];
  /** Tensors that carry nothing the engine needs. */
  readonly ignored?: readonly RegExp[];
}

export const width: Dimension = (sizes) => sizes.width;
export const vocabulary: Dimension = (sizes) => sizes.vocabulary;
export const feedForward: Dimension = (sizes) => sizes.feedForward;
export const gateAndUp: Dimension = (sizes) => 2 * sizes.feedForward;
export const query: Dimension = (sizes) => sizes.heads * sizes.headSize;
export const keyValue: Dimension = (sizes) => sizes.kvHeads * sizes.headSize;
export const queryKeyValue: Dimension = (sizes) => (sizes.heads + 2 * sizes.kvHeads) * sizes.headSize;
export const headSize: Dimension = (sizes) => sizes.headSize;
export const context: Dimension = (sizes) => sizes.context;
export const tokenTypes: Dimension = (sizes) => sizes.tokenTypes;

/** Most decoders: keys by the names that Llama's config began with. */
export function decoderSizes(config: Fields): Sizes {
  const heads = config.size("num_attention_heads", "n_head");
  const sizes = {
    layers: config.size("num_hidden_layers", "n_layers", "n_layer"),
    vocabulary: config.size("vocab_size"),
    width: config.size("hidden_size", "n_embd"),
    feedForward: config.size("intermediate_size", "n_inner"),
    heads,
    kvHeads: config.count("num_key_value_heads", "n_head_kv") ?? heads,
    context: config.size("max_position_embeddings", "n_ctx", "n_positions"),
    tokenTypes: 0,
  };
  const headSize = config.count("head_dim") ?? sizes.width / heads;
  if (!Number.isInteger(headSize) || headSize === 0 || headSize % 2 !== 0) {
    throw new AppError("invalid", `${config.where}: ${heads} heads do not fit a hidden_size of ${sizes.width}`);
  }
  if (sizes.kvHeads === 0 || heads % sizes.kvHeads !== 0) {
    throw new AppError(
      "invalid",
      `${config.where}: num_key_value_heads ${sizes.kvHeads} does not divide ${heads} heads`,
    );
  }
  return { ...sizes, headSize };
}

/** Throws unless the field is absent or one of what the engine does. */
export function requireOneOf(config: Fields, field: string, accepted: readonly (string | number | boolean)[]): void {
  const value = config.record[field];
  if (value === undefined || value === null || accepted.some((each) => each === value)) return;
  const wanted = accepted.map((each) => JSON.stringify(each)).join(" or ");
  throw new AppError("unsupported", `${config.where}: ${field} is ${JSON.stringify(value)}, only ${wanted} can be run`);
}
