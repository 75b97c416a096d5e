// Vocabularies of a few hundred tokens in the three shapes llama.cpp knows best: byte-level BPE ("gpt2"), SentencePiece
// with byte fallback ("llama") and WordPiece ("bert"). Any text can be tokenized with the first two.

import type { GgufWriteValue } from "../../src/formats/gguf/write.ts";

type Entries = [key: string, value: GgufWriteValue][];

export interface TinyVocabulary {
  readonly size: number;
  readonly metadata: Entries;
}

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

export const TINY_CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const TINY_GEMMA_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else " +
  "message['role']) + '\\n' + message['content'] + '<end_of_turn>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}";

const MERGES = ["Ġ t", "h e", "Ġt he", "i n", "e r", "Ġ a", "o n", "u s", "us er", "l l", "l o", "he ll", "hell o"];

/** As GPT-2 spells bytes: printable ones as themselves, the others from U+0100 up. */
function byteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

export function tinyBytePairs(pre = "smollm"): TinyVocabulary {
  const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
  const merged = MERGES.map((merge) => merge.replace(" ", ""));
  const tokens = [
    ...specials,
    ...byteAlphabet(),
    ...merged,
    ..."0123456789".split("").map((digit) => `<|tool_${digit}|>`),
  ];
  const types = tokens.map((token) => (token.startsWith("<|") ? CONTROL : NORMAL));
  return {
    size: tokens.length,
    metadata: [
      ["tokenizer.ggml.model", text("gpt2")],
      ["tokenizer.ggml.pre", text(pre)],
      ["tokenizer.ggml.tokens", texts(tokens)],
      ["tokenizer.ggml.token_type", integers(types)],
      ["tokenizer.ggml.merges", texts(MERGES)],
      ["tokenizer.ggml.bos_token_id", uint(1)],
      ["tokenizer.ggml.eos_token_id", uint(2)],
      ["tokenizer.ggml.unknown_token_id", uint(0)],
      ["tokenizer.ggml.padding_token_id", uint(2)],
      ["tokenizer.ggml.add_bos_token", flag(false)],
      ["tokenizer.ggml.add_space_prefix", flag(false)],
      ["tokenizer.chat_template", text(TINY_CHATML)],
    ],
  };
}

export function tinySentencePieces(): TinyVocabulary {
  const specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"];
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const letters = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'-()".split("");
  const pieces = ["▁t", "he", "▁the", "in", "er", "▁a", "on", "us", "user", "ll", "lo", "model"];
  const tokens = [...specials, ...bytes, ...letters, ...pieces];
  const types = tokens.map((token, id) => {
    if (id >= specials.length + bytes.length) return NORMAL;
    if (id >= specials.length) return BYTE;
    return token === "<unk>" ? UNKNOWN : CONTROL;
  });
  const scores = tokens.map((_, id) =>
    id < specials.length + bytes.length ? -1000 : specials.length + bytes.length - id,
  );
  return {
    size: tokens.length,
    metadata: [
      ["tokenizer.ggml.model", text("llama")],
      ["tokenizer.ggml.pre", text("default")],
      ["tokenizer.ggml.tokens", texts(tokens)],
      ["tokenizer.ggml.scores", { type: "arr", elementType: "f32", values: scores }],
      ["tokenizer.ggml.token_type", integers(types)],
      ["tokenizer.ggml.bos_token_id", uint(2)],
      ["tokenizer.ggml.eos_token_id", uint(1)],
      ["tokenizer.ggml.eot_token_id", uint(5)],
      ["tokenizer.ggml.unknown_token_id", uint(3)],
      ["tokenizer.ggml.padding_token_id", uint(0)],
      ["tokenizer.ggml.add_bos_token", flag(true)],
      ["tokenizer.ggml.add_eos_token", flag(false)],
      ["tokenizer.ggml.add_space_prefix", flag(false)],
      ["tokenizer.chat_template", text(TINY_GEMMA_TEMPLATE)],
    ],
  };
}

export function tinyWordPieces(): TinyVocabulary {
  const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const characters = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?'-()".split("");
  const words = ["hello", "world", "the", "cat", "dog", "sky", "is", "blue", "why"].map((word) => `▁${word}`);
  // llama.cpp marks the start of a word where WordPiece marks its continuation.
  const tokens = [...specials, ...characters.map((letter) => `▁${letter}`), ...characters, ...words, "ing", "ed", "es"];
  return {
    size: tokens.length,
    metadata: [
      ["tokenizer.ggml.model", text("bert")],
      ["tokenizer.ggml.pre", text("default")],
      ["tokenizer.ggml.tokens", texts(tokens)],
      ["tokenizer.ggml.token_type", integers(tokens.map((_, id) => (id < specials.length ? CONTROL : NORMAL)))],
      ["tokenizer.ggml.token_type_count", uint(2)],
      ["tokenizer.ggml.bos_token_id", uint(2)],
      ["tokenizer.ggml.cls_token_id", uint(2)],
      ["tokenizer.ggml.seperator_token_id", uint(3)],
      ["tokenizer.ggml.padding_token_id", uint(0)],
      ["tokenizer.ggml.unknown_token_id", uint(1)],
      ["tokenizer.ggml.mask_token_id", uint(4)],
    ],
  };
}

export function text(value: string): GgufWriteValue {
  return { type: "str", value };
}

export function texts(values: readonly string[]): GgufWriteValue {
  return { type: "arr", elementType: "str", values };
}

export function uint(value: number): GgufWriteValue {
  return { type: "u32", value };
}

export function float(value: number): GgufWriteValue {
  return { type: "f32", value };
}

export function flag(value: boolean): GgufWriteValue {
  return { type: "bool", value };
}

export function integers(values: readonly number[]): GgufWriteValue {
  return { type: "arr", elementType: "i32", values };
}
