// What a GGUF is for, decided as Ollama decides which layer it becomes (server/create.go, ggufLayersWithMediaType and
// isProjectorGGUF), and which part of a split model it is (llama.cpp: src/llama-model-loader.cpp).

import type { Gguf } from "./header.ts";
import type { GgufMetadata } from "./metadata.ts";

export type GgufKind = "model" | "adapter" | "projector";

export interface GgufSplit {
  /** From 0; only part 0 carries the metadata of the model. */
  readonly index: number;
  readonly count: number;
  /** Tensors of all parts together. */
  readonly tensorCount: number | undefined;
}

export function ggufKind({ metadata }: Gguf): GgufKind {
  const type = metadata.text("general.type");
  if (type === "adapter") return "adapter";
  if (type === "projector" || type === "mmproj") return "projector";
  // llama.cpp builds no model from "clip": it is always the eyes or ears of another one.
  if (metadata.architecture === "clip" || isLoneVisionModel(metadata)) return "projector";
  return "model";
}

export function ggufSplit({ metadata }: Gguf): GgufSplit | undefined {
  const count = metadata.uint("split.count") ?? 0;
  if (count < 2) return undefined;
  return { index: metadata.uint("split.no") ?? 0, count, tensorCount: metadata.uint("split.tensors.count") };
}

function isLoneVisionModel(metadata: GgufMetadata): boolean {
  const blocks = metadata.uint(metadata.architectureKey("block_count")) ?? 0;
  const visionBlocks = metadata.uint(metadata.architectureKey("vision.block_count")) ?? 0;
  return blocks === 0 && visionBlocks > 0;
}
