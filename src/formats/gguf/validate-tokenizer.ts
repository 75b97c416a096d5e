// The tokenizer's arrays against each other and against what llama.cpp takes for granted: parallel arrays long enough,
// tokens distinct (it asserts so), ids inside the vocabulary, and the ids every prompt gets present.

import type { GgufArray, GgufMetadata } from "./metadata.ts";
import { refuseRepeatedTokens } from "./distinct-tokens.ts";
import { invalid, quoteName, tooLarge } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import { missing, optionalArray, optionalText, optionalUint } from "./require-key.ts";
import {
  NO_TOKENIZER,
  SPECIAL_TOKEN_KEYS,
  specialTokenId,
  TOKENIZERS,
  TOKENS_KEY,
  type SpecialToken,
} from "./tokenizer.ts";

const MODEL_KEY = "tokenizer.ggml.model";
const MERGES_KEY = "tokenizer.ggml.merges";
/** Tokenizers that find the byte of a byte token in its text. */
const BYTES_BY_NAME: ReadonlySet<string> = new Set(["plamo2", "llama"]);
const BYTE_TOKEN_LENGTH = "<0xFF>".length;
const WITH_MERGES: ReadonlySet<string> = new Set(["gpt2", "hybriddna", "whitespace", "gemma4"]);

// Fine-tunes whose padding id is one past the vocabulary are common, and llama.cpp falls back to no padding.
const MAY_BE_OUTSIDE: ReadonlySet<string> = new Set(["tokenizer.ggml.padding_token_id"]);

export function validateTokenizer(metadata: GgufMetadata): void {
  const model = optionalText(metadata, MODEL_KEY);
  if (model === undefined) throw missing(MODEL_KEY);
  if (NO_TOKENIZER.has(model)) return validateBareVocabulary(metadata);
  if (!TOKENIZERS.has(model)) throw invalid(`unknown tokenizer: ${quoteName(model)}`);
  optionalText(metadata, "tokenizer.ggml.pre");
  optionalText(metadata, "tokenizer.chat_template");

  const tokens = optionalArray(metadata, TOKENS_KEY, ["str"]);
  if (tokens === undefined) throw missing(TOKENS_KEY);
  if (tokens.count === 0) throw invalid(`${TOKENS_KEY} is empty`);
  if (tokens.count > LIMITS.tokens) throw tooLarge("vocabulary size", tokens.count, LIMITS.tokens);
  validateParallelArrays(metadata, tokens.count);
  validateMerges(metadata, model);
  validateSpecialTokens(metadata, tokens.count);
  validateAddedTokens(metadata, model);
  refuseRepeatedTokens(metadata, tokens);
  if (BYTES_BY_NAME.has(model)) refuseFalseByteTokens(metadata, tokens);
}

/**
 * "<0x-1>" is taken for a byte of -1, and written before the start of a table (llama.cpp issue 25969). Six characters are
 * what its code looks at.
 */
function refuseFalseByteTokens(metadata: GgufMetadata, tokens: GgufArray): void {
  for (const { bytes, starts, ends, size } of metadata.cursor(tokens).textBatches(tokens.count, LIMITS.tokenBytes)) {
    for (let index = 0; index < size; index++) {
      const [start = 0, end = 0] = [starts[index], ends[index]];
      if (end - start !== BYTE_TOKEN_LENGTH) continue;
      const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
      if (/^<0x.*>$/s.test(text) && !/^<0x[0-9a-f]{2}>$/i.test(text)) {
        throw invalid(`token ${quoteName(text)} names no byte`);
      }
    }
  }
}

function validateBareVocabulary(metadata: GgufMetadata): void {
  const size = optionalUint(metadata, metadata.architectureKey("vocab_size")) ?? 0;
  if (size > LIMITS.tokens) throw tooLarge("vocabulary size", size, LIMITS.tokens);
}

function validateParallelArrays(metadata: GgufMetadata, tokens: number): void {
  const parallel = [
    { key: "tokenizer.ggml.scores", types: ["f32", "i32"] },
    { key: "tokenizer.ggml.token_type", types: ["i32"] },
  ] as const;
  for (const { key, types } of parallel) {
    const array = optionalArray(metadata, key, types);
    if (array !== undefined && array.count < tokens) {
      throw invalid(`${key} has ${array.count} values for ${tokens} tokens`);
    }
  }
  optionalArray(metadata, "tokenizer.ggml.suppress_tokens", ["i32"]);
  const charsmap = optionalArray(metadata, "tokenizer.ggml.precompiled_charsmap", ["u8", "i8"]);
  if (charsmap !== undefined && charsmap.count < 4) throw invalid("tokenizer.ggml.precompiled_charsmap is too small");
}

function validateMerges(metadata: GgufMetadata, model: string): void {
  const merges = optionalArray(metadata, MERGES_KEY, ["str"]);
  if (merges !== undefined || !WITH_MERGES.has(model)) return;
  if (model !== "gemma4" && metadata.text("tokenizer.ggml.pre") === "kimi-k2") return;
  throw missing(MERGES_KEY);
}

function validateSpecialTokens(metadata: GgufMetadata, tokens: number): void {
  for (const key of SPECIAL_TOKEN_KEYS) {
    const id = optionalUint(metadata, key);
    if (id !== undefined && id >= tokens && !MAY_BE_OUTSIDE.has(key)) {
      throw invalid(`${key} ${id} is not in the vocabulary of ${tokens} tokens`);
    }
  }
}

function validateAddedTokens(metadata: GgufMetadata, model: string): void {
  const added: SpecialToken[] = [...(TOKENIZERS.get(model)?.adds ?? [])];
  for (const token of ["bos", "eos", "sep"] as const) {
    if (metadata.flag(`tokenizer.ggml.add_${token}_token`) === true) added.push(token);
  }
  for (const token of added) {
    // Tokenizing any prompt would abort.
    if (specialTokenId(metadata, token) === undefined)
      throw invalid(`the tokenizer adds a ${token} token but has none`);
  }
}
