// The WordPiece tokenizer of a loaded BERT, read back out of its vocabulary.

import { ptr, type Pointer } from "bun:ffi";
import { WordPieces } from "../../formats/word-pieces.ts";
import { asPointer, cString, type LlamaSymbols, readCString } from "./library.ts";

/** LLAMA_VOCAB_TYPE_WPM. */
const WORD_PIECE = 3;
const LONGEST_VALUE = 64;

export function hasWordPieces(llama: LlamaSymbols, vocab: Pointer): boolean {
  return llama.llama_vocab_type(vocab) === WORD_PIECE;
}

/** undefined where the file does not say what stands for the unknown: then llama.cpp's own way has to do. */
export function wordPiecesOf(llama: LlamaSymbols, model: Pointer, vocab: Pointer): WordPieces | undefined {
  const value = (key: string): string | undefined => {
    const [name, buffer] = [cString(key), new Uint8Array(LONGEST_VALUE)];
    const length = llama.llama_model_meta_val_str(model, ptr(name), ptr(buffer), buffer.length);
    return length < 0 ? undefined : Buffer.from(buffer.subarray(0, length)).toString("utf8");
  };
  const texts = Array.from({ length: llama.llama_vocab_n_tokens(vocab) }, (_, id) =>
    readCString(asPointer(llama.llama_vocab_get_text(vocab, id))),
  );
  const said = value("tokenizer.ggml.unknown_token_id");
  const unknown = said === undefined ? texts.indexOf("[UNK]") : Number(said);
  if (!Number.isInteger(unknown) || unknown < 0 || unknown >= texts.length) return undefined;
  // What llama.cpp, and BERT without a word about it, does.
  const lowercase = value("tokenizer.ggml.normalizer.lowercase") !== "false";
  const strip = value("tokenizer.ggml.normalizer.strip_accents");
  return new WordPieces(texts, {
    lowercase,
    stripAccents: strip === undefined ? lowercase : strip === "true",
    unknown,
  });
}
