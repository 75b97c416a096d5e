// generation_config.json: how the model's makers would sample. Kept in the GGUF under llama.cpp's keys, and as the model's
// PARAMETERs, where a Modelfile can override it.

import type { Checkpoint } from "./checkpoint.ts";
import type { Fields } from "./json.ts";
import { float, int, type Metadata } from "./values.ts";

interface Setting {
  readonly field: string;
  readonly parameter: "temperature" | "top_k" | "top_p" | "min_p" | "repeat_penalty";
  readonly key: string;
  readonly isCount?: true;
  readonly fits: (value: number) => boolean;
}

const SETTINGS: readonly Setting[] = [
  { field: "temperature", parameter: "temperature", key: "temp", fits: (value) => value >= 0 && value <= 10 },
  { field: "top_k", parameter: "top_k", key: "top_k", isCount: true, fits: (value) => value >= 0 && value < 2 ** 31 },
  { field: "top_p", parameter: "top_p", key: "top_p", fits: (value) => value > 0 && value <= 1 },
  { field: "min_p", parameter: "min_p", key: "min_p", fits: (value) => value >= 0 && value < 1 },
  { field: "repetition_penalty", parameter: "repeat_penalty", key: "penalty_repeat", fits: (value) => value > 0 },
];

export type Sampling = Partial<Record<Setting["parameter"], number>>;

export function samplingOf(checkpoint: Checkpoint): Sampling {
  const config = checkpoint.object("generation_config.json");
  // Without sampling the numbers beside it are left-overs.
  if (config === undefined || config.flag("do_sample") === false) return {};
  const sampling: Sampling = {};
  for (const setting of SETTINGS) {
    const value = valueOf(config, setting);
    if (value !== undefined && setting.fits(value)) sampling[setting.parameter] = value;
  }
  return sampling;
}

function valueOf(config: Fields, { field, isCount }: Setting): number | undefined {
  return isCount === true ? config.count(field) : config.number(field);
}

export function samplingMetadata(sampling: Sampling): Metadata {
  const metadata: Metadata = new Map();
  for (const { parameter, key, isCount } of SETTINGS) {
    const value = sampling[parameter];
    if (value !== undefined) metadata.set(`general.sampling.${key}`, isCount === true ? int(value) : float(value));
  }
  return metadata;
}
