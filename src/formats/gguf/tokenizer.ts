// What the tokenizer keys say, without reading the vocabulary: its size and the ids llama.cpp will use
// (src/llama-vocab.cpp, llama_vocab::impl::load).

import type { GgufMetadata } from "./metadata.ts";

export const TOKENS_KEY = "tokenizer.ggml.tokens";

interface TokenizerDefaults {
  readonly bos?: number;
  readonly eos?: number;
  readonly sep?: number;
  /** Which of these ids every prompt gets when no key says otherwise. */
  readonly adds: readonly SpecialToken[];
}

export type SpecialToken = "bos" | "eos" | "sep";

const BPE: TokenizerDefaults = { bos: 11, eos: 11, adds: [] };

export const TOKENIZERS: ReadonlyMap<string, TokenizerDefaults> = new Map([
  ["llama", { bos: 1, eos: 2, adds: ["bos"] }],
  ["bert", { bos: 101, sep: 102, adds: ["bos", "sep"] }],
  ["gpt2", BPE],
  ["hybriddna", BPE],
  ["whitespace", BPE],
  ["gemma4", { adds: ["bos"] }],
  ["t5", { eos: 1, adds: ["eos"] }],
  ["rwkv", { adds: [] }],
  ["plamo2", { bos: 1, eos: 2, adds: [] }],
]);

/** Models without text: their vocabulary is a number. */
export const NO_TOKENIZER: ReadonlySet<string> = new Set(["none", "no_vocab"]);

/** The last three are old names of fim ids. */
export const SPECIAL_TOKEN_KEYS: readonly string[] = [
  "bos_token_id",
  "eos_token_id",
  "eot_token_id",
  "eom_token_id",
  "unknown_token_id",
  "seperator_token_id",
  "padding_token_id",
  "cls_token_id",
  "mask_token_id",
  "fim_pre_token_id",
  "fim_suf_token_id",
  "fim_mid_token_id",
  "fim_pad_token_id",
  "fim_rep_token_id",
  "fim_sep_token_id",
  "prefix_token_id",
  "suffix_token_id",
  "middle_token_id",
].map((name) => `tokenizer.ggml.${name}`);

const ID_KEYS: Readonly<Record<SpecialToken, string>> = {
  bos: "tokenizer.ggml.bos_token_id",
  eos: "tokenizer.ggml.eos_token_id",
  // llama.cpp spells it so.
  sep: "tokenizer.ggml.seperator_token_id",
};

export function vocabularySize(metadata: GgufMetadata): number | undefined {
  return metadata.array(TOKENS_KEY)?.count ?? metadata.uint(metadata.architectureKey("vocab_size"));
}

/** The id llama.cpp settles on: the key's when it is in the vocabulary, else the tokenizer's default likewise. */
export function specialTokenId(metadata: GgufMetadata, token: SpecialToken): number | undefined {
  const size = vocabularySize(metadata) ?? 0;
  const defaults = TOKENIZERS.get(metadata.text("tokenizer.ggml.model") ?? "");
  return [metadata.uint(ID_KEYS[token]), defaults?.[token]].find((id) => id !== undefined && id < size);
}
