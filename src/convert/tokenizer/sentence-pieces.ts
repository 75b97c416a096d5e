// SentencePiece's BPE, from tokenizer.model or from what Hugging Face made of it in tokenizer.json. llama.cpp joins the
// neighbours whose union scores highest; tokenizer.json keeps an order of merges, of which the scores are made again.

import { AppError } from "../../base/errors.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { Fields, isRecord } from "../json.ts";
import { flag, type Metadata, text } from "../values.ts";
import { readSentencePieceModel } from "./sentencepiece-model.ts";
import { mergesOf, stepsOf, type TokenizerJson, vocabularyEntries } from "./tokenizer-json.ts";
import { TOKEN_TYPES, type TokenType, type Vocabulary } from "./vocabulary.ts";

const TYPES_BY_NUMBER: ReadonlyMap<number, TokenType> = new Map(
  (Object.keys(TOKEN_TYPES) as TokenType[]).map((name) => [TOKEN_TYPES[name], name]),
);
const BYTE_TOKEN = /^<0x[0-9A-F]{2}>$/;
/** Below every score of a merge: what no merge makes is found as a single character, where scores do not matter. */
const UNMERGED_SCORE = -1e6;

/** Undefined where there is no usable tokenizer.model. */
export function addSentencePieceModel(
  checkpoint: Checkpoint,
  json: TokenizerJson | undefined,
  vocabulary: Vocabulary,
): Metadata | undefined {
  const bytes = checkpoint.bytes("tokenizer.model");
  const model = bytes === undefined ? undefined : readSentencePieceModel(bytes);
  if (model === undefined) return undefined;
  if (!model.isBpe) throw new AppError("unsupported", "tokenizer.model is a unigram model; only BPE can be run");
  for (const [id, piece] of model.pieces.entries()) {
    vocabulary.set(id, { text: piece.text, score: piece.score, type: TYPES_BY_NUMBER.get(piece.type) ?? "normal" });
  }
  for (const added of addedAround(checkpoint)) vocabulary.add(added);
  for (const added of json?.added ?? []) vocabulary.add(added);
  const stated = checkpoint.object("tokenizer_config.json")?.flag("add_prefix_space");
  return pieceMetadata(stated ?? model.addsDummyPrefix);
}

/** added_tokens.json, then tokenizer_config.json's decoder: what a fine-tune adds to the model it came from. */
function addedAround(checkpoint: Checkpoint): { id: number; content: string; special: boolean }[] {
  const file = checkpoint.object("added_tokens.json");
  const listed = Object.keys(file?.record ?? {}).map((content) => {
    return { id: file?.count(content) ?? 0, content, special: false };
  });
  const decoder = checkpoint.object("tokenizer_config.json")?.object("added_tokens_decoder")?.record ?? {};
  const decoded = Object.entries(decoder).map(([id, entry]) => {
    const fields = new Fields(isRecord(entry) ? entry : {}, "tokenizer_config.json: added_tokens_decoder");
    const content = fields.text("content");
    if (content === undefined || !/^\d{1,9}$/.test(id)) {
      throw new AppError("invalid", "tokenizer_config.json: an entry of added_tokens_decoder has no id or content");
    }
    return { id: Number(id), content, special: fields.flag("special") === true };
  });
  return [...listed, ...decoded];
}

export function isSentencePieces({ model }: TokenizerJson): boolean {
  return model.text("type") === "BPE" && model.flag("byte_fallback") === true;
}

export function addSentencePieces({ root, model, added }: TokenizerJson, vocabulary: Vocabulary): Metadata {
  const scores = scoresOf(mergesOf(model), new Set(added.map(({ content }) => content)));
  const unknown = model.text("unk_token");
  for (const [token, id] of vocabularyEntries(model)) {
    const type = token === unknown ? "unknown" : BYTE_TOKEN.test(token) ? "byte" : "normal";
    vocabulary.set(id, { text: token, score: scores.get(token) ?? UNMERGED_SCORE, type });
  }
  for (const token of added) vocabulary.add(token);
  return pieceMetadata(addsPrefix(root));
}

/**
 * A token's score is the rank of the first merge that makes it, negated. That finds the same merges only where all merges
 * that make one token stand together, as they do in files made of a tokenizer.model. Added tokens are found before any merge.
 */
function scoresOf(merges: readonly (readonly [string, string])[], added: ReadonlySet<string>): Map<string, number> {
  const scores = new Map<string, number>();
  let last = "";
  for (const [rank, [left, right]] of merges.entries()) {
    const token = left + right;
    if (token === last) continue;
    if (scores.has(token) && !added.has(token)) {
      throw new AppError(
        "unsupported",
        "tokenizer.json: merges in this order cannot be run; tokenizer.model is needed",
      );
    }
    scores.set(token, 0 - rank);
    last = token;
  }
  return scores;
}

/** Whether a space is put before the first word. */
function addsPrefix(root: Fields): boolean {
  if (stepsOf(root, "normalizer").some((step) => step.text("type") === "Prepend")) return true;
  const metaspace = stepsOf(root, "pre_tokenizer").find((step) => step.text("type") === "Metaspace");
  if (metaspace === undefined) return false;
  const scheme = metaspace.text("prepend_scheme");
  return scheme === undefined ? metaspace.flag("add_prefix_space") !== false : scheme !== "never";
}

function pieceMetadata(addsPrefixSpace: boolean): Metadata {
  return new Map([
    ["tokenizer.ggml.model", text("llama")],
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.add_space_prefix", flag(addsPrefixSpace)],
  ]);
}
