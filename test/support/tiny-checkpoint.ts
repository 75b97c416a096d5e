// Hugging Face checkpoints of tiny random models, made in memory: weights follow from each tensor's name, as in
// test/fixtures/convert/record-logits.py, and the tokenizers are the smallest that have every kind of token.

import { crc32 } from "node:zlib";
import { seededRandom } from "./seeded-random.ts";

export type Files = Map<string, Uint8Array>;
export type Shapes = Readonly<Record<string, readonly number[]>>;

export interface TinyCheckpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Shapes;
  readonly normsLessOne: boolean;
  readonly pooling?: "mean" | "cls";
}

export function tinyCheckpoint({ config, tensors, normsLessOne, pooling }: TinyCheckpoint): Files {
  const files: Files = new Map([
    ["config.json", json(config)],
    ["model.safetensors", safetensors(tensorsOf(tensors, normsLessOne))],
  ]);
  const text = (config["text_config"] ?? config) as { vocab_size: number };
  const name = String((config["architectures"] as string[])[0]);
  for (const [file, content] of tokenizerFor(name, text.vocab_size)) files.set(file, content);
  if (pooling !== undefined) addPooling(files, pooling);
  return files;
}

function addPooling(files: Files, pooling: "mean" | "cls"): void {
  const modules = [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  ];
  const modes = { pooling_mode_cls_token: pooling === "cls", pooling_mode_mean_tokens: pooling === "mean" };
  files.set("modules.json", json(modules));
  files.set("1_Pooling/config.json", json(modes));
}

export function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

export interface TinyTensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function tensorsOf(shapes: Shapes, normsLessOne: boolean): Record<string, TinyTensor> {
  const entries = Object.entries(shapes).map(([name, shape]): [string, TinyTensor] => {
    const data = new Uint8Array(weights(name, shape, normsLessOne).buffer);
    return [name, { type: "F32", shape, data }];
  });
  return Object.fromEntries(entries);
}

function weights(name: string, shape: readonly number[], normsLessOne: boolean): Float32Array {
  const random = seededRandom(crc32(name));
  const count = shape.reduce((product, length) => product * length, 1);
  const scale = Math.sqrt(4 / (shape.at(-1) ?? 1));
  return Float32Array.from({ length: count }, () => {
    const value = random.next() * 2 - 1;
    if (shape.length > 1) return name.includes("embed") ? value : value * scale;
    return name.endsWith("bias") ? value * 0.1 : value * 0.2 + (normsLessOne ? 0 : 1);
  });
}

export function safetensors(tensors: Readonly<Record<string, TinyTensor>>): Uint8Array {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { type, shape, data }]) => {
      const begin = end;
      end += data.byteLength;
      return [name, { dtype: type, shape, data_offsets: [begin, end] }];
    }),
  );
  return safetensorsOf(json(header), Buffer.concat(Object.values(tensors).map(({ data }) => data)));
}

/** From a header's bytes, which may be anything. */
export function safetensorsOf(header: Uint8Array, data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.byteLength), true);
  return Buffer.concat([length, header, data]);
}

function tokenizerFor(architecture: string, rows: number): Files {
  if (architecture.includes("Bert")) return wordPieces(rows);
  if (architecture.startsWith("Qwen")) return bytePairs(rows);
  return sentencePieces();
}

const LETTERS = Array.from("abcdefghijklmnopqrstuvwxyz");

/** As Llama 2's tokenizer.json: unknown, begin, end, bytes for what has no token, letters and two merges. */
function sentencePieces(): Files {
  const vocab = Object.fromEntries(
    ["<unk>", "<s>", "</s>", "<0x0A>", "▁", ...LETTERS, "▁a", "▁an"].map((t, i) => [t, i]),
  );
  const special = ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true }));
  const tokenizer = {
    added_tokens: special,
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>" } }, { Sequence: { id: "A" } }],
    },
    model: { type: "BPE", byte_fallback: true, unk_token: "<unk>", vocab, merges: ["▁ a", "▁a n"] },
  };
  const config = {
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "<unk>",
    chat_template: "{{ messages[0].content }}",
  };
  return new Map([
    ["tokenizer.json", json(tokenizer)],
    ["tokenizer_config.json", json(config)],
  ]);
}

const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** As Qwen's: letters of GPT-2's alphabet of bytes, a merge, and tokens added after them. */
function bytePairs(rows: number): Files {
  const tokens = [...Array.from("!\"#$%&'()*+,-./0123456789:;<=>?@"), ...LETTERS, "Ġ", "Ċ", "Ġa"];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const added = [
    { id: rows - 4, content: "<|endoftext|>", special: true },
    { id: rows - 3, content: "<|im_end|>", special: true },
    { id: rows - 2, content: "<think>", special: false },
  ];
  const tokenizer = {
    added_tokens: added,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: QWEN_PATTERN }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, use_regex: false },
      ],
    },
    model: { type: "BPE", vocab, merges: [["Ġ", "a"]] },
  };
  const config = { bos_token: null, eos_token: "<|im_end|>", pad_token: "<|endoftext|>", add_bos_token: false };
  return new Map([
    ["tokenizer.json", json(tokenizer)],
    ["tokenizer_config.json", json(config)],
  ]);
}

function wordPieces(rows: number): Files {
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const tokens = [...special, ...LETTERS, ...LETTERS.map((letter) => `##${letter}`), "hello", "##ing"];
  const vocab = Object.fromEntries(tokens.slice(0, rows).map((token, id) => [token, id]));
  const tokenizer = {
    added_tokens: special.map((content, id) => ({ id, content, special: true })),
    normalizer: { type: "BertNormalizer", lowercase: true, strip_accents: null },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", vocab },
  };
  const names = { pad: "[PAD]", unk: "[UNK]", cls: "[CLS]", sep: "[SEP]", mask: "[MASK]" };
  const config = Object.fromEntries(Object.entries(names).map(([name, token]) => [`${name}_token`, token]));
  return new Map([
    ["tokenizer.json", json(tokenizer)],
    ["tokenizer_config.json", json(config)],
  ]);
}
