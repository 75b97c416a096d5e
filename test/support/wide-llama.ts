// The tiny llama, four times as wide: rows of 256 numbers, which the k-quantizations need.

import type { GgufWriteValue } from "../../src/formats/gguf/write.ts";
import { seededRandom } from "./seeded-random.ts";
import { tinyLayout, type TinyLayout } from "./tiny-gguf.ts";
import { uint } from "./tiny-vocabulary.ts";

const TIMES = 4;
const WIDTHS = ["embedding_length", "feed_forward_length", "rope.dimension_count"];

export function wideLlamaLayout(): TinyLayout {
  const { metadata, tensors } = tinyLayout("llama");
  const vocabulary = tensors.find(({ name }) => name === "token_embd.weight")?.shape[1];
  const random = seededRandom(11);
  for (const width of WIDTHS) {
    const known: GgufWriteValue | undefined = metadata.get(`llama.${width}`);
    if (known === undefined || typeof known !== "object" || !("value" in known)) throw new Error(`no ${width}`);
    metadata.set(`llama.${width}`, uint(Number(known.value) * TIMES));
  }
  const wide = tensors.map(({ name, type, shape }) => {
    const lengths = shape.map((length) => (length === vocabulary ? length : length * TIMES));
    const elements = lengths.reduce((product, length) => product * length, 1);
    const isNorm = lengths.length === 1;
    const scale = 1 / Math.sqrt(lengths[0] ?? 1);
    const values = Float32Array.from({ length: elements }, () => (isNorm ? 1 : random.normal(scale)));
    return { name, type, shape: lengths, data: new Uint8Array(values.buffer) };
  });
  return { metadata, tensors: wide };
}
