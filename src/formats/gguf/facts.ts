// What the rest of the program wants to know of a model: for `show`, for the catalogue and for the memory estimate.
// Never throws on odd values: a fact that cannot be had is 0 or undefined.

import { humanNumber } from "../../base/human-number.ts";
import type { Gguf } from "./header.ts";
import { ggufKind, ggufSplit, type GgufKind, type GgufSplit } from "./kind.ts";
import { cacheFacts, type CacheFacts } from "./cache-facts.ts";
import { fileTypeName, UNKNOWN_FILE_TYPE } from "./quantization.ts";
import { type LayerBytes, layerBytes } from "./layer-bytes.ts";
import { type GgufTensor, parameterCount } from "./tensors.ts";
import { vocabularySize } from "./tokenizer.ts";

export interface GgufFacts extends CacheFacts {
  readonly kind: GgufKind;
  readonly split: GgufSplit | undefined;
  readonly architecture: string;
  readonly parameterCount: number;
  /** As Ollama prints it: "134.52M", "3.2B". */
  readonly parameterSize: string;
  /** As Ollama prints it: "Q4_K_M", "F16", "unknown". */
  readonly fileType: string;
  readonly contextLength: number;
  readonly embeddingLength: number;
  readonly blockCount: number;
  readonly headCount: number;
  readonly headCountKv: number;
  readonly keyLength: number;
  readonly valueLength: number;
  /** 0 when attention is never windowed. */
  readonly slidingWindow: number;
  readonly vocabSize: number;
  readonly expertCount: number;
  readonly expertUsedCount: number;
  /** Ollama takes the key's presence as the mark of an embedding model. */
  readonly hasPoolingType: boolean;
  readonly poolingType: number | undefined;
  readonly chatTemplate: string | undefined;
  /** Bytes of all tensors: what the weights take. */
  readonly tensorBytes: number;
  readonly layerBytes: LayerBytes;
}

export function ggufFacts(gguf: Gguf): GgufFacts {
  const { metadata, tensors } = gguf;
  const uint = (name: string): number => metadata.uint(metadata.architectureKey(name)) ?? 0;
  const parameters = parameterCount(tensors);
  const cache = cacheFacts(metadata);
  const headSize = cache.headCount > 0 ? Math.floor(uint("embedding_length") / cache.headCount) : 0;
  const usedExperts = metadata.perLayer(metadata.architectureKey("expert_used_count"), 1) ?? [];
  return {
    ...cache,
    kind: ggufKind(gguf),
    split: ggufSplit(gguf),
    architecture: metadata.architecture,
    parameterCount: parameters,
    parameterSize: humanNumber(parameters),
    fileType: fileType(metadata.uint("general.file_type"), tensors),
    contextLength: uint("context_length"),
    embeddingLength: uint("embedding_length"),
    blockCount: uint("block_count"),
    keyLength: uint("attention.key_length") || headSize,
    valueLength: uint("attention.value_length") || headSize,
    slidingWindow: uint("attention.sliding_window"),
    vocabSize: vocabularySize(metadata) ?? 0,
    expertCount: uint("expert_count"),
    expertUsedCount: Math.max(0, ...usedExperts),
    hasPoolingType: metadata.entries.has(metadata.architectureKey("pooling_type")),
    poolingType: metadata.uint(metadata.architectureKey("pooling_type")),
    chatTemplate: metadata.text("tokenizer.chat_template"),
    tensorBytes: tensors.reduce((total, { byteSize }) => total + byteSize, 0),
    layerBytes: layerBytes(tensors, uint("block_count")),
  };
}

const POOLING_RANK = 4;

/** A cross-encoder: it scores a document against a query and gives no vectors. */
export function ranksDocuments({ poolingType }: Pick<GgufFacts, "poolingType">): boolean {
  return poolingType === POOLING_RANK;
}

// 0 is F32, yet Ollama reads it as not said (fs/ggml/ggml.go, KV.FileType); here the tensors decide.
function fileType(id: number | undefined, tensors: readonly GgufTensor[]): string {
  if (id !== undefined && id !== 0) return fileTypeName(id);
  return tensors.length > 0 && tensors.every(({ type }) => type.name === "F32") ? "F32" : UNKNOWN_FILE_TYPE;
}
