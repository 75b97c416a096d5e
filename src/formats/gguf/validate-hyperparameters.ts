// The numbers an architecture is built from. Most rules mirror assertions of llama.cpp's loader, which abort the process
// instead of failing (src/llama-model.cpp, load_hparams), or keep a zero away from a division.

import { RECURRENT_ARCHITECTURES } from "./architectures.ts";
import { invalid, quoteName } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import type { GgufMetadata } from "./metadata.ts";
import { missing, optionalFloat, optionalPerLayer, optionalText, optionalUint, requiredUint } from "./require-key.ts";

const ROPE_SCALING_TYPES: readonly string[] = ["none", "linear", "yarn", "longrope"];
const LAST_POOLING_TYPE = 4; // none, mean, cls, last, rank
const EPSILONS = ["layer_norm_epsilon", "layer_norm_rms_epsilon", "group_norm_epsilon"] as const;

// For these llama.cpp forgets a single expert before it checks the counts.
const DENSE_WITH_ONE_EXPERT: ReadonlySet<string> = new Set(["hunyuan_vl", "hunyuan-dense"]);

export function validateHyperparameters(metadata: GgufMetadata): void {
  const key = (name: string): string => metadata.architectureKey(name);
  requirePositive(key("context_length"), requiredUint(metadata, key("context_length")));
  requirePositive(key("embedding_length"), requiredUint(metadata, key("embedding_length")));
  const layers = requirePositive(key("block_count"), requiredUint(metadata, key("block_count")));
  if (layers > LIMITS.layers) throw invalid(`${key("block_count")} ${layers} exceeds maximum ${LIMITS.layers}`);
  if ((optionalUint(metadata, key("nextn_predict_layers")) ?? 0) > layers) {
    throw invalid(`${key("nextn_predict_layers")} exceeds ${key("block_count")}`);
  }
  optionalPerLayer(metadata, key("feed_forward_length"), layers);
  validateHeads(metadata, layers);
  validateExperts(metadata, layers);
  validateScalars(metadata);
}

function requirePositive(key: string, value: number): number {
  if (value === 0) throw invalid(`${key} must not be 0`);
  return value;
}

function validateHeads(metadata: GgufMetadata, layers: number): void {
  const headsKey = metadata.architectureKey("attention.head_count");
  const kvHeadsKey = metadata.architectureKey("attention.head_count_kv");
  const heads = optionalPerLayer(metadata, headsKey, layers);
  const kvHeads = optionalPerLayer(metadata, kvHeadsKey, layers);
  if (RECURRENT_ARCHITECTURES.has(metadata.architecture)) return;

  if (heads === undefined) throw missing(headsKey);
  for (const [key, values] of [
    [headsKey, heads],
    [kvHeadsKey, kvHeads ?? heads],
  ] as const) {
    // Hybrids write 0 for the layers that have a state instead, never for all.
    if (values.every((value) => value === 0)) throw invalid(`${key} must not be 0`);
  }
  for (const [layer, count] of heads.entries()) {
    const kvCount = kvHeads?.[layer] ?? count;
    if (kvCount > 0 && count % kvCount !== 0) {
      throw invalid(`${headsKey} ${count} is not a multiple of ${kvHeadsKey} ${kvCount}`);
    }
  }
  for (const name of ["attention.key_length", "attention.value_length"]) {
    const key = metadata.architectureKey(name);
    const length = optionalUint(metadata, key);
    if (length !== undefined) requirePositive(key, length);
  }
}

function validateExperts(metadata: GgufMetadata, layers: number): void {
  const countKey = metadata.architectureKey("expert_count");
  const usedKey = metadata.architectureKey("expert_used_count");
  const count = optionalUint(metadata, countKey) ?? 0;
  const used = Math.max(0, ...(optionalPerLayer(metadata, usedKey, layers) ?? []));
  const groups = optionalUint(metadata, metadata.architectureKey("expert_group_count")) ?? 0;
  const groupsUsed = optionalUint(metadata, metadata.architectureKey("expert_group_used_count")) ?? 0;
  if (count > LIMITS.experts) throw invalid(`${countKey} ${count} exceeds maximum ${LIMITS.experts}`);
  if (count <= 1 && DENSE_WITH_ONE_EXPERT.has(metadata.architecture)) return;
  if (used > count || (count > 0 && used === 0)) throw invalid(`${usedKey} ${used} does not fit ${countKey} ${count}`);
  const groupsFit = count > 0 ? groups < count : groups === 0;
  const groupsDivide = groups <= 1 || (count % groups === 0 && groupsUsed > 0 && groupsUsed < groups);
  if (!groupsFit || !groupsDivide) throw invalid(`expert groups ${groups} do not fit ${countKey} ${count}`);
}

function validateScalars(metadata: GgufMetadata): void {
  const scaling = optionalText(metadata, metadata.architectureKey("rope.scaling.type"));
  if (scaling !== undefined && !ROPE_SCALING_TYPES.includes(scaling)) {
    throw invalid(`unknown rope scaling type ${quoteName(scaling)}`);
  }
  const pooling = optionalUint(metadata, metadata.architectureKey("pooling_type"));
  if (pooling !== undefined && pooling > LAST_POOLING_TYPE) throw invalid(`unknown pooling type ${pooling}`);
  for (const name of EPSILONS) {
    const key = metadata.architectureKey(`attention.${name}`);
    const epsilon = optionalFloat(metadata, key);
    if (epsilon !== undefined && !(epsilon >= 0)) throw invalid(`${key} must not be negative`);
  }
}
