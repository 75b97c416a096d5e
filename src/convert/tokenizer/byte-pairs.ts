// Byte-level BPE: tokens are written in GPT-2's alphabet of bytes, merges in their order, and the pre-tokenizer by name.

import { texts, text, type Metadata } from "../values.ts";
import { preTokenizerName } from "./pre-tokenizers.ts";
import { mergesOf, stepsOf, type TokenizerJson, vocabularyEntries } from "./tokenizer-json.ts";
import type { Vocabulary } from "./vocabulary.ts";

export function isBytePairs({ root, model }: TokenizerJson): boolean {
  return (
    model.text("type") === "BPE" && stepsOf(root, "pre_tokenizer").some((step) => step.text("type") === "ByteLevel")
  );
}

export function addBytePairs({ root, model, added }: TokenizerJson, vocabulary: Vocabulary): Metadata {
  for (const [token, id] of vocabularyEntries(model)) vocabulary.set(id, { text: token, score: 0, type: "normal" });
  for (const token of added) vocabulary.add(token);
  return new Map([
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text(preTokenizerName(root, model))],
    ["tokenizer.ggml.merges", texts(mergesOf(model).map(([left, right]) => `${left} ${right}`))],
  ]);
}
