// The vocabulary and the matrices indexed by it must be of one size: a token id beyond a matrix reads foreign memory.

import type { Gguf } from "./header.ts";
import { invalid, quoteName } from "./invalid.ts";
import { vocabularySize } from "./tokenizer.ts";

// Drafts and speech models whose embedding or output table follows another vocabulary (llama.cpp: src/models).
const OWN_EMBEDDING_TABLE: ReadonlySet<string> = new Set(["eagle3"]);
const OWN_OUTPUT_TABLE: ReadonlySet<string> = new Set(["eagle3", "dflash", "qwen3tts", "wavtokenizer-dec"]);

export function validateVocabularyShapes({ metadata, tensors }: Gguf): void {
  const { architecture } = metadata;
  const tokens = vocabularySize(metadata);
  const width = metadata.uint(metadata.architectureKey("embedding_length"));
  if (tokens === undefined) return;
  const expected = new Map<string, boolean>();
  expected.set("token_embd.weight", !OWN_EMBEDDING_TABLE.has(architecture));
  expected.set("output.weight", !OWN_OUTPUT_TABLE.has(architecture));
  for (const { name, shape } of tensors) {
    if (expected.get(name) !== true) continue;
    const [rowLength, rows = 1, ...others] = shape;
    // wavtokenizer counts the width of its table under another key.
    const widthFits = architecture === "wavtokenizer-dec" || rowLength === width;
    if (!widthFits || rows !== tokens || others.some((length) => length !== 1)) {
      throw invalid(
        `tensor ${quoteName(name)} has wrong shape; expected [${width}, ${tokens}], got [${shape.join(", ")}]`,
      );
    }
  }
}
