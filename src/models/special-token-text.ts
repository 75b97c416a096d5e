// The spelling of a model's BOS and EOS tokens, which its Jinja template writes itself.

import type { Gguf } from "../formats/gguf/header.ts";
import { specialTokenId, TOKENS_KEY, type SpecialToken } from "../formats/gguf/tokenizer.ts";

/** "" when the model names none. Reads the token list up to that token only. */
export function specialTokenText(gguf: Gguf, token: SpecialToken): string {
  const id = specialTokenId(gguf.metadata, token);
  const tokens = gguf.metadata.array(TOKENS_KEY);
  if (id === undefined || tokens === undefined || id >= tokens.count) return "";
  let index = 0;
  for (const text of gguf.metadata.values(tokens)) {
    if (index++ === id) return String(text);
  }
  return "";
}
