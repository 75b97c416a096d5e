// Says whether a well-formed GGUF may be handed to native code. Every rule stands for something that would make the
// loader read out of bounds, divide by zero, abort the process or fail late; the reason given is the first that applies.

import { ARCHITECTURES } from "./architectures.ts";
import type { Gguf } from "./header.ts";
import { invalid, quoteName } from "./invalid.ts";
import { ggufKind, ggufSplit, type GgufSplit } from "./kind.ts";
import type { GgufMetadata } from "./metadata.ts";
import { validateAdapter } from "./validate-adapter.ts";
import { validateHyperparameters } from "./validate-hyperparameters.ts";
import { validateTensorExtents } from "./validate-tensors.ts";
import { validateTokenizer } from "./validate-tokenizer.ts";
import { validateVocabularyShapes } from "./validate-vocabulary-shapes.ts";

/** Throws AppError("invalid", reason). Reads little beyond the metadata; never the tensor data. */
export function validateGguf(gguf: Gguf): void {
  const kind = ggufKind(gguf);
  const split = ggufSplit(gguf);
  validateTensorExtents(gguf);
  if (split !== undefined) {
    validateSplit(split);
    if (split.index > 0) return;
  }
  switch (kind) {
    case "model":
      return validateModel(gguf, split);
    case "adapter":
      requireArchitecture(gguf.metadata);
      return validateAdapter(gguf);
    case "projector":
      return requireTensors(gguf);
    default:
      return kind satisfies never;
  }
}

function validateModel(gguf: Gguf, split: GgufSplit | undefined): void {
  requireArchitecture(gguf.metadata);
  refuseOtherSenses(gguf.metadata);
  validateHyperparameters(gguf.metadata);
  validateTokenizer(gguf.metadata);
  // The first part of a split model may hold metadata only.
  if (split === undefined) requireTensors(gguf);
  validateVocabularyShapes(gguf);
}

function requireArchitecture(metadata: GgufMetadata): void {
  const architecture = metadata.text("general.architecture");
  if (architecture === undefined) throw invalid("key not found in model: general.architecture");
  // llama.cpp: src/llama-model.cpp, llama_model_create.
  if (!ARCHITECTURES.has(architecture)) throw invalid(`unknown model architecture: ${singleQuote(architecture)}`);
}

function singleQuote(text: string): string {
  return `'${quoteName(text).slice(1, -1)}'`;
}

function requireTensors(gguf: Gguf): void {
  if (gguf.tensors.length === 0) throw invalid("GGUF has no tensors");
}

function validateSplit({ index, count }: GgufSplit): void {
  if (count > 65_535 || index >= count) throw invalid(`split.no ${index} is not below split.count ${count}`);
}

// Text models with a vision or audio tower in the same file are Ollama's own; llama.cpp has no such layout, and
// mllama's vision keys were once a way to write out of bounds.
function refuseOtherSenses(metadata: GgufMetadata): void {
  const prefixes = ["clip.", ...["vision.", "audio."].map((name) => metadata.architectureKey(name))];
  for (const key of metadata.entries.keys()) {
    if (prefixes.some((prefix) => key.startsWith(prefix))) {
      throw invalid(`models with vision or audio inside the GGUF are not supported (${quoteName(key)})`);
    }
  }
}
