// Where a model's weights lie, as llama.cpp places them: layer by layer, what comes before the first one (always on the CPU)
// and what comes behind the last one.

import type { GgufTensor } from "./tensors.ts";

export interface LayerBytes {
  readonly layers: readonly number[];
  /** The token embeddings, which are looked up on the CPU. */
  readonly input: number;
  /** The output head and its norm; a model without a head of its own uses a copy of the token embeddings. */
  readonly output: number;
}

export function layerBytes(tensors: readonly GgufTensor[], blockCount: number): LayerBytes {
  // A count beyond the number of tensors is not to be believed, let alone reserved memory for.
  const count = Math.min(blockCount, tensors.length);
  const layers = Array.from<number>({ length: count }).fill(0);
  let input = 0;
  let output = 0;
  let hasHead = false;
  for (const { name, byteSize } of tensors) {
    const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);
    if (layer >= 0 && layer < count) layers[layer] = (layers[layer] ?? 0) + byteSize;
    else if (name === "token_embd.weight") input += byteSize;
    else output += byteSize;
    hasHead ||= name === "output.weight";
  }
  return { layers, input, output: hasHead ? output : output + input };
}
