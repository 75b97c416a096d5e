// Gemma 2 and the text part of Gemma 3. Norms are stored less one; every second (Gemma 2) or all but every sixth (Gemma 3)
// layers see a window only.

import { AppError } from "../../base/errors.ts";
import { decoderSizes, type Family, requireOneOf, type Sizes, type TensorRule, width } from "../family.ts";
import { Fields } from "../json.ts";
import { ropeOf } from "../rope.ts";
import { float, type Metadata, uint } from "../values.ts";
import { attentionTensors, decoderMetadata, gatedFeedForward, embeddingTensors, queryKeyNorms } from "./decoder.ts";

/** What transformers' Gemma3TextConfig takes where config.json is silent, as the multimodal configs are. */
const GEMMA3_DEFAULTS = {
  vocab_size: 262_208,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  max_position_embeddings: 131_072,
  sliding_window: 4096,
} as const;
const GEMMA2_PERIOD = 2;
const GEMMA3_PERIOD = 6;

const plusOne = (rule: TensorRule): TensorRule =>
  rule.to.endsWith("_norm.weight") ? { ...rule, plusOne: true } : rule;

const norm = (from: string, to: string): TensorRule => ({
  from: `model.layers.{}.${from}.weight`,
  to: `blk.{}.${to}.weight`,
  shape: [width],
});

const layerNorms: readonly TensorRule[] = [
  norm("input_layernorm", "attn_norm"),
  norm("post_attention_layernorm", "post_attention_norm"),
  norm("pre_feedforward_layernorm", "ffn_norm"),
  norm("post_feedforward_layernorm", "post_ffw_norm"),
];

const tensors = [
  ...embeddingTensors.filter(({ to }) => to !== "output.weight"),
  ...attentionTensors(false),
  ...gatedFeedForward,
  ...layerNorms,
].map(plusOne);

/** The output always shares the embedding's table. */
const OUTPUT = /^lm_head\.weight$/;

function checkAttention(config: Fields, sizes: Sizes, largestLayers: number): void {
  requireOneOf(config, "hidden_activation", ["gelu_pytorch_tanh"]);
  // The engine does not read this scale; it knows the two that Google's models use.
  const scale = sizes.layers === largestLayers ? sizes.width / sizes.heads : sizes.headSize;
  requireOneOf(config, "query_pre_attn_scalar", [scale]);
}

/** Every how many layers one sees everything; throws where they do not follow such a rhythm. */
export function slidingPeriod(config: Fields, layers: number, usual: number): number {
  const types = config.texts("layer_types");
  if (types === undefined) return config.count("sliding_window_pattern", "_sliding_window_pattern") ?? usual;
  const first = types.indexOf("full_attention");
  const period = first < 0 ? Math.max(usual, layers + 1) : first + 1;
  const follows = types.every((type, i) => (type === "full_attention") === ((i + 1) % period === 0));
  if (types.length === layers && follows) return period;
  throw new AppError("unsupported", `${config.where}: layer_types follow no rhythm that the engine knows`);
}

export const gemma2: Family = {
  architecture: "gemma2",
  classes: ["Gemma2ForCausalLM"],
  tokenizers: ["sentencepiece"],
  sizes: decoderSizes,
  check: (config, sizes) => {
    checkAttention(config, sizes, 46);
    if (slidingPeriod(config, sizes.layers, GEMMA2_PERIOD) !== GEMMA2_PERIOD && sizes.layers > 1) {
      throw new AppError(
        "unsupported",
        `${config.where}: the engine knows Gemma 2 with every second layer windowed only`,
      );
    }
  },
  metadata: (config, sizes) => {
    const metadata = decoderMetadata("gemma2", config, sizes, ropeOf(config));
    metadata.set("gemma2.attention.sliding_window", uint(config.count("sliding_window") ?? 4096));
    metadata.set("gemma2.attn_logit_softcapping", float(config.number("attn_logit_softcapping") ?? 50));
    metadata.set("gemma2.final_logit_softcapping", float(config.number("final_logit_softcapping") ?? 30));
    return metadata;
  },
  tensors,
  ignored: [OUTPUT],
};

const withDefaults = (config: Fields): Fields => new Fields({ ...GEMMA3_DEFAULTS, ...config.record }, config.where);

function gemma3Metadata(bare: Fields, sizes: Sizes): Metadata {
  const config = withDefaults(bare);
  const metadata = decoderMetadata("gemma3", config, sizes, ropeOf(config, "full_attention", 1_000_000));
  const local = config.number("rope_local_base_freq") ?? 10_000;
  const windowed = config.object("rope_parameters")?.object("sliding_attention")?.number("rope_theta") ?? local;
  metadata.set("gemma3.rope.freq_base_swa", float(windowed));
  metadata.set("gemma3.attention.sliding_window", uint(config.size("sliding_window")));
  const period = slidingPeriod(config, sizes.layers, GEMMA3_PERIOD);
  metadata.set("gemma3.attention.sliding_window_pattern", uint(period));
  const cap = config.number("final_logit_softcapping");
  if (cap !== undefined) metadata.set("gemma3.final_logit_softcapping", float(cap));
  return metadata;
}

export const gemma3: Family = {
  architecture: "gemma3",
  classes: ["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"],
  tokenizers: ["sentencepiece"],
  sizes: (config) => decoderSizes(withDefaults(config)),
  check: (config, sizes) => {
    checkAttention(config, sizes, 62);
    requireOneOf(config, "attn_logit_softcapping", []);
    requireOneOf(config, "use_bidirectional_attention", [false]);
  },
  metadata: gemma3Metadata,
  tensors: [...tensors, ...queryKeyNorms.map(plusOne)],
  prefixes: ["model.language_model.", "language_model.model.", "language_model."],
  // The eyes of Gemma3ForConditionalGeneration: this build runs text.
  ignored: [OUTPUT, /^(?:model\.)?(?:vision_tower|vision_model|multi_modal_projector|embed_vision)\./],
};
