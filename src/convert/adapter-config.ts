// adapter_config.json of a LoRA adapter: how strong it is, and whether it is one that the engine can apply.

import { AppError } from "../base/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Fields } from "./json.ts";

const FILE = "adapter_config.json";

export interface AdapterScaling {
  /** Throws where the weights have another rank than the config. */
  checkRank(name: string, rank: number): void;
  /** The engine multiplies by alpha / rank. */
  readonly alpha: number;
}

export function adapterScaling(checkpoint: Checkpoint): AdapterScaling {
  const config = checkpoint.object(FILE);
  if (config === undefined) throw new AppError("invalid", `${FILE} is missing: it says how strong the adapter is`);
  const mlx = config.object("lora_parameters");
  return mlx === undefined ? peftScaling(config) : mlxScaling(config, mlx);
}

function peftScaling(config: Fields): AdapterScaling {
  refuseUnless(
    (config.text("peft_type") ?? "LORA") === "LORA",
    `peft_type is ${config.text("peft_type")}, only LORA can be imported`,
  );
  refuseUnless(
    config.flag("use_dora") !== true,
    "use_dora is true; DoRA scales whole columns, which the engine cannot",
  );
  const saved = config.texts("modules_to_save") ?? [];
  refuseUnless(
    saved.length === 0,
    `modules_to_save holds whole weights (${saved.join(", ")}): merge them into the model`,
  );
  refuseUnless(config.flag("fan_in_fan_out") !== true, "fan_in_fan_out is true, which cannot be imported");
  refuseUnless((config.text("bias") ?? "none") === "none", `bias is ${config.text("bias")}, only none can be imported`);
  refuseUnless(
    isEmpty(config, "alpha_pattern"),
    "alpha_pattern gives modules their own strength, which cannot be imported",
  );
  refuseUnless(
    config.record["layer_replication"] == null,
    "layer_replication repeats layers, which cannot be imported",
  );
  const [rank, alpha] = [config.size("r"), config.number("lora_alpha")];
  if (alpha === undefined) throw new AppError("invalid", `${FILE}: lora_alpha is missing`);
  const uniform = isEmpty(config, "rank_pattern");
  const stabilized = config.flag("use_rslora") === true;
  refuseUnless(uniform || !stabilized, "use_rslora with a rank_pattern cannot be imported");
  return {
    checkRank(name, found) {
      if (!uniform || found === rank) return;
      throw new AppError("invalid", `${name}: its weights have rank ${found}, but ${FILE} has r = ${rank}`);
    },
    // peft's rsLoRA multiplies by alpha / √rank.
    alpha: stabilized ? alpha * Math.sqrt(rank) : alpha,
  };
}

/** mlx-lm multiplies by `scale`; versions that also wrote `alpha` by scale × alpha / rank (mlx_lm/tuner/lora.py). */
function mlxScaling(config: Fields, lora: Fields): AdapterScaling {
  const type = config.text("fine_tune_type") ?? "lora";
  refuseUnless(type === "lora", `fine_tune_type is ${type}, only lora can be imported`);
  const [rank, scale] = [lora.size("rank"), lora.number("scale") ?? 1];
  const alpha = lora.number("alpha");
  return {
    checkRank(name, found) {
      if (found === rank) return;
      throw new AppError("invalid", `${name}: its weights have rank ${found}, but ${FILE} has rank = ${rank}`);
    },
    alpha: scale * (alpha ?? rank),
  };
}

function isEmpty(config: Fields, name: string): boolean {
  return Object.keys(config.object(name)?.record ?? {}).length === 0;
}

function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw new AppError("unsupported", `${FILE}: ${reason}`);
}
