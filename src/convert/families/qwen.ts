// Qwen 2, 2.5 and 3 without experts. Qwen 2 adds a bias to query, key and value; Qwen 3 norms each head instead.

import { AppError } from "../../base/errors.ts";
import { decoderSizes, type Family, requireOneOf } from "../family.ts";
import type { Fields } from "../json.ts";
import { ropeOf } from "../rope.ts";
import {
  attentionTensors,
  decoderMetadata,
  embeddingTensors,
  gatedFeedForward,
  layerNorms,
  queryKeyNorms,
  rotaryBuffers,
} from "./decoder.ts";

function check(config: Fields): void {
  requireOneOf(config, "hidden_act", ["silu"]);
  const layers = config.size("num_hidden_layers");
  const windowed = config.flag("use_sliding_window") === true && (config.count("max_window_layers") ?? layers) < layers;
  if (windowed) {
    throw new AppError("unsupported", `${config.where}: use_sliding_window is set; the engine has no windows for Qwen`);
  }
}

export const qwen2: Family = {
  architecture: "qwen2",
  classes: ["Qwen2ForCausalLM"],
  tokenizers: ["bytePairs"],
  sizes: decoderSizes,
  check,
  metadata: (config, sizes) => decoderMetadata("qwen2", config, sizes, ropeOf(config)),
  tensors: [...embeddingTensors, ...attentionTensors(false), ...gatedFeedForward, ...layerNorms],
  ignored: rotaryBuffers,
};

export const qwen3: Family = {
  ...qwen2,
  architecture: "qwen3",
  classes: ["Qwen3ForCausalLM"],
  metadata: (config, sizes) => decoderMetadata("qwen3", config, sizes, ropeOf(config)),
  tensors: [...qwen2.tensors, ...queryKeyNorms],
};
