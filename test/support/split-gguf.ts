// A GGUF cut into shards as llama.cpp's gguf-split does it: the first has the key-values, all say which they are.

import type { GgufWriteValue } from "../../src/formats/gguf/write.ts";
import { layoutBytes, type TinyLayout } from "./tiny-gguf.ts";

export interface NamedShard {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function splitGguf(prefix: string, { metadata, tensors }: TinyLayout, count: number): NamedShard[] {
  const digits = (value: number) => String(value).padStart(5, "0");
  const share = Math.ceil(tensors.length / count);
  return Array.from({ length: count }, (_, index) => {
    const keys = new Map<string, GgufWriteValue>([
      ...(index === 0 ? metadata : []),
      ["split.no", { type: "u16", value: index }],
      ["split.count", { type: "u16", value: count }],
      ["split.tensors.count", { type: "i32", value: tensors.length }],
    ]);
    const part = tensors.slice(index * share, (index + 1) * share);
    return {
      name: `${prefix}-${digits(index + 1)}-of-${digits(count)}.gguf`,
      bytes: layoutBytes({ metadata: keys, tensors: part }),
    };
  });
}
