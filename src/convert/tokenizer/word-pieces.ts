// WordPiece, as BERT uses it. llama.cpp marks beginnings of words ("▁un") where BERT marks what follows ("##able").

import { AppError } from "../../base/errors.ts";
import { flag, type Metadata, text } from "../values.ts";
import { stepsOf, type TokenizerJson, vocabularyEntries } from "./tokenizer-json.ts";
import type { Vocabulary } from "./vocabulary.ts";

const CONTINUATION = "##";

export function addWordPieces({ root, model, added }: TokenizerJson, vocabulary: Vocabulary): Metadata {
  if ((model.text("continuing_subword_prefix") ?? CONTINUATION) !== CONTINUATION) {
    throw new AppError("unsupported", `tokenizer.json: continuing_subword_prefix must be "${CONTINUATION}"`);
  }
  const special = new Set(added.filter((token) => token.special).map(({ id }) => id));
  for (const [token, id] of vocabularyEntries(model)) {
    if (special.has(id)) continue;
    const piece = token.startsWith(CONTINUATION) ? token.slice(CONTINUATION.length) : `▁${token}`;
    vocabulary.set(id, { text: piece, score: 0, type: "normal" });
  }
  for (const token of added) vocabulary.add(token);
  const normalizer = stepsOf(root, "normalizer").find((step) => step.text("type") === "BertNormalizer");
  const lowercase = normalizer?.flag("lowercase") ?? true;
  return new Map([
    ["tokenizer.ggml.model", text("bert")],
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.normalizer.lowercase", flag(lowercase)],
    // Not said, it follows the letter case (tokenizers: normalizers/bert.rs).
    ["tokenizer.ggml.normalizer.strip_accents", flag(normalizer?.flag("strip_accents") ?? lowercase)],
  ]);
}
