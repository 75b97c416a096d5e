// Which models fit into so many bytes of memory, told by the size of their files: weights are most of what a model needs, and
// its context and buffers are allowed for.

import type { KnownModel } from "./known-models.ts";

const GROWTH = 1.15;
const BUFFER_BYTES = 250e6;

export interface SizedModel {
  readonly name: string;
  readonly sizeBytes: number;
}

export function estimateBytes(fileBytes: number): number {
  return fileBytes * GROWTH + BUFFER_BYTES;
}

/** Largest first: of what fits, the largest answers best. */
export function modelsThatFit<M extends SizedModel | KnownModel>(models: readonly M[], availableBytes: number): M[] {
  return models
    .filter(({ sizeBytes }) => estimateBytes(sizeBytes) <= availableBytes)
    .sort((left, right) => right.sizeBytes - left.sizeBytes);
}
