// A checkpoint's tokenizer as GGUF metadata. Which of the three kinds it is, its files say; whether the model's family can
// have it, the family.

import { AppError } from "../../base/errors.ts";
import type { Checkpoint } from "../checkpoint.ts";
import type { Family } from "../family.ts";
import type { Fields } from "../json.ts";
import { floats, ints, type Metadata, text, texts } from "../values.ts";
import { addBytePairs, isBytePairs } from "./byte-pairs.ts";
import { chatTemplateOf } from "./chat-template.ts";
import { addSentencePieceModel, addSentencePieces, isSentencePieces } from "./sentence-pieces.ts";
import { specialTokenMetadata } from "./special-tokens.ts";
import { readTokenizerJson, type TokenizerJson } from "./tokenizer-json.ts";
import { TOKEN_TYPES, Vocabulary } from "./vocabulary.ts";
import { addWordPieces } from "./word-pieces.ts";

type Kind = Family["tokenizers"][number];

export function tokenizerMetadata(
  checkpoint: Checkpoint,
  config: Fields,
  accepted: readonly Kind[],
  rows: number,
): Metadata {
  const json = readTokenizerJson(checkpoint);
  const vocabulary = new Vocabulary(rows);
  const metadata = fill(checkpoint, json, accepted, vocabulary);
  const tokens = [...vocabulary.tokens()];
  metadata.set("tokenizer.ggml.tokens", texts(tokens.map(({ text }) => text)));
  metadata.set("tokenizer.ggml.scores", floats(tokens.map(({ score }) => score)));
  metadata.set("tokenizer.ggml.token_type", ints(tokens.map(({ type }) => TOKEN_TYPES[type])));
  for (const [key, value] of specialTokenMetadata(checkpoint, config, json, vocabulary)) metadata.set(key, value);
  const template = chatTemplateOf(checkpoint);
  if (template !== undefined) metadata.set("tokenizer.chat_template", text(template));
  return metadata;
}

function fill(
  checkpoint: Checkpoint,
  json: TokenizerJson | undefined,
  accepted: readonly Kind[],
  vocabulary: Vocabulary,
): Metadata {
  // Scores as they were trained are better than scores made of merges.
  if (accepted.includes("sentencepiece")) {
    const metadata = addSentencePieceModel(checkpoint, json, vocabulary);
    if (metadata !== undefined) return metadata;
  }
  if (json === undefined) {
    const wanted = accepted.includes("sentencepiece") ? "tokenizer.json or tokenizer.model" : "tokenizer.json";
    throw new AppError("invalid", `${wanted} is missing: the model cannot read text without it`);
  }
  if (accepted.includes("wordPieces") && json.model.text("type") === "WordPiece")
    return addWordPieces(json, vocabulary);
  if (accepted.includes("bytePairs") && isBytePairs(json)) return addBytePairs(json, vocabulary);
  if (accepted.includes("sentencepiece") && isSentencePieces(json)) return addSentencePieces(json, vocabulary);
  const type = json.model.text("type") ?? "unknown";
  throw new AppError("unsupported", `tokenizer.json: a ${type} tokenizer of this kind is not supported for this model`);
}
