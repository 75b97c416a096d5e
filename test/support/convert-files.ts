// Converts files held in memory to bytes of a GGUF, as the conversion's child does with files on disk.

import { type Conversion, planConversion } from "../../src/convert/convert.ts";
import type { MatrixFormat } from "../../src/convert/plan-tensors.ts";
import { bytesSource } from "../../src/formats/gguf/source.ts";
import { writeGguf } from "../../src/formats/gguf/write.ts";
import type { Files } from "./tiny-checkpoint.ts";

export function planFiles(files: Files, matrices: MatrixFormat = "source"): Conversion {
  return planConversion(new Map([...files].map(([name, bytes]) => [name, bytesSource(bytes)])), matrices);
}

export async function convertFiles(files: Files, matrices: MatrixFormat = "source"): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await writeGguf((chunk) => void chunks.push(chunk.slice()), planFiles(files, matrices).layout);
  return Buffer.concat(chunks);
}
