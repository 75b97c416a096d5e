// Where tensor data lies: inside the file, aligned, and packed in table order, as llama.cpp's reader insists
// (ggml/src/gguf.cpp), which also rules out tensors that overlap.

import { alignUp, type Gguf } from "./header.ts";
import { invalid, quoteName } from "./invalid.ts";
import { parameterCount } from "./tensors.ts";

export function validateTensorExtents(gguf: Gguf): void {
  let expected = 0;
  for (const { name, offset, byteSize } of gguf.tensors) {
    const end = gguf.dataOffset + offset + byteSize;
    if (!Number.isSafeInteger(end)) throw invalid(`tensor ${quoteName(name)} offset+size overflows`);
    if (end > gguf.fileSize) {
      // Ollama: fs/ggml/gguf.go.
      throw invalid(`tensor ${quoteName(name)} offset+size (${end}) exceeds file size (${gguf.fileSize})`);
    }
    if (offset !== expected) throw invalid(`tensor ${quoteName(name)} has offset ${offset}, expected ${expected}`);
    expected = alignUp(offset + byteSize, gguf.alignment);
  }
  parameterCount(gguf.tensors);
}
