// Vectors for every dialect: asked for, checked, cut to the wanted number of dimensions and brought to length 1 (spec 2.46).

import { AppError } from "../base/errors.ts";
import { shortFloat } from "../base/short-float.ts";
import type { AskableModel, Embeddings } from "../inference/model.ts";

export interface EmbedWish {
  readonly inputs: readonly string[];
  readonly truncate: boolean;
  readonly dimensions: number | undefined;
  readonly options: Parameters<AskableModel["load"]>[0];
  readonly keepAliveMs: number | undefined;
}

/** The texts of an `input` field. Throws `invalid` for anything that is not text. */
export function embedInputs(input: unknown): string[] {
  if (input === undefined || input === null || input === "") return [];
  if (typeof input === "string") return [input];
  if (!Array.isArray(input) || input.some((item) => typeof item !== "string")) {
    throw new AppError("invalid", "invalid input type");
  }
  return input as string[];
}

/** No inputs only load the model. */
export async function embedTexts(model: AskableModel, wish: EmbedWish, signal: AbortSignal): Promise<Embeddings> {
  const { inputs, truncate, options, keepAliveMs } = wish;
  if (inputs.length === 0) {
    await model.load(options, keepAliveMs, signal);
    return { vectors: [], promptTokens: 0, loadMs: 0, totalMs: 0 };
  }
  const found = await model.embed({ inputs, truncate, options, keepAliveMs }, signal);
  return { ...found, vectors: found.vectors.map((vector) => cut(normalize(vector), wish.dimensions)) };
}

function cut(vector: readonly number[], dimensions: number | undefined): readonly number[] {
  const isShorter = dimensions !== undefined && dimensions > 0 && dimensions < vector.length;
  return isShorter ? normalize(vector.slice(0, dimensions)) : vector;
}

/** In float32, as Ollama computes and prints it. */
function normalize(vector: readonly number[]): number[] {
  let sum = 0;
  for (const value of vector) {
    if (!Number.isFinite(value)) throw new AppError("invalid", "embedding contains NaN or Inf values");
    sum += value * value;
  }
  const scale = 1 / Math.max(Math.sqrt(sum), 1e-12);
  return vector.map((value) => shortFloat(value * scale));
}
