// Rotary positions as configs describe them, old style (rope_theta beside rope_scaling) and new (all in rope_parameters).

import { AppError } from "../base/errors.ts";
import { Fields } from "./json.ts";
import { float, type Metadata, text, uint } from "./values.ts";

export interface Rope {
  readonly theta: number;
  /** "default" where nothing is scaled. */
  readonly type: string;
  readonly fields: Fields;
}

const DEFAULT_THETA = 10_000;

/** `layerType` picks one of the sets where layers of different attention have their own (Gemma 3). */
export function ropeOf(config: Fields, layerType?: string, defaultTheta = DEFAULT_THETA): Rope {
  const all = config.object("rope_parameters") ?? config.object("rope_scaling");
  const fields = (layerType === undefined ? undefined : all?.object(layerType)) ?? all ?? new Fields({}, config.where);
  const type = fields.text("rope_type") ?? fields.text("type") ?? "default";
  const theta = fields.number("rope_theta") ?? config.number("rope_theta") ?? defaultTheta;
  return { theta, type, fields };
}

/** Writes what llama.cpp needs of a scaling that it computes itself; the others come as tensors of factors. */
export function addRopeScaling(
  metadata: Metadata,
  architecture: string,
  { type, fields }: Rope,
  context: number,
): void {
  const key = (name: string): string => `${architecture}.rope.scaling.${name}`;
  switch (type) {
    case "default":
    case "llama3":
    case "mrope":
      return;
    case "linear":
      metadata.set(key("type"), text("linear"));
      metadata.set(key("factor"), float(positiveFactor(fields)));
      return;
    case "yarn":
      metadata.set(key("type"), text("yarn"));
      metadata.set(key("factor"), float(positiveFactor(fields)));
      metadata.set(key("original_context_length"), uint(fields.count("original_max_position_embeddings") ?? context));
      return;
    default:
      throw new AppError("unsupported", `${fields.where}: rope scaling "${type}" is not supported`);
  }
}

function positiveFactor(fields: Fields): number {
  const factor = fields.number("factor") ?? 0;
  if (factor <= 0) throw new AppError("invalid", `${fields.where}: factor is missing`);
  return factor;
}

/** Llama 3.1: low frequencies are stretched, high ones kept, those between blended (transformers: modeling_rope_utils). */
export function llama3Factors({ theta, fields }: Rope, headSize: number): number[] {
  const factor = fields.number("factor") ?? 8;
  const low = fields.number("low_freq_factor") ?? 1;
  const high = fields.number("high_freq_factor") ?? 4;
  const context = fields.number("original_max_position_embeddings") ?? 8192;
  return Array.from({ length: headSize / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headSize);
    if (wavelength < context / high) return 1;
    if (wavelength > context / low) return factor;
    const smooth = (context / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
