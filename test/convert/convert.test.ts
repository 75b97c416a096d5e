// What a conversion makes of tiny checkpoints: files the engine's own checks accept, in the formats asked for, with the
// tokenizer's facts and the makers' recommendations in their places.

import { describe, expect, test } from "bun:test";
import recorded from "../fixtures/convert/logits.json";
import { type Gguf, readGguf } from "../../src/formats/gguf/header.ts";
import { bytesSource } from "../../src/formats/gguf/source.ts";
import { validateGguf } from "../../src/formats/gguf/validate.ts";
import { convertFiles, planFiles } from "../support/convert-files.ts";
import {
  type Files,
  json,
  safetensors,
  tensorsOf,
  tinyCheckpoint,
  type TinyCheckpoint,
} from "../support/tiny-checkpoint.ts";

const models = recorded.models as unknown as (TinyCheckpoint & { readonly name: string })[];
const tiny = (name: string): TinyCheckpoint => {
  const model = models.find((each) => each.name === name);
  if (model === undefined) throw new Error(`no ${name}`);
  return model;
};

async function converted(files: Files, matrices?: "F32" | "F16" | "BF16"): Promise<Gguf> {
  const gguf = readGguf(bytesSource(await convertFiles(files, matrices)));
  validateGguf(gguf);
  return gguf;
}

const list = (gguf: Gguf, key: string): unknown[] => {
  const array = gguf.metadata.array(key);
  return array === undefined ? [] : [...gguf.metadata.values(array)];
};

describe("formats", () => {
  test.each(models)("$name is valid; matrices are 16 bits wide, everything else 32", async (model) => {
    const gguf = await converted(tinyCheckpoint(model));
    for (const { name, type, shape } of gguf.tensors) {
      const isMatrix = shape.length > 1 && !["position_embd.weight", "token_types.weight"].includes(name);
      expect([name, type.name]).toEqual([name, isMatrix ? "F16" : "F32"]);
    }
    expect(gguf.metadata.uint("general.file_type")).toBe(1);
  });

  test("BF16 stays BF16, and says so", async () => {
    const model = tiny("llama-1");
    const files = tinyCheckpoint(model);
    const halves = Object.entries(tensorsOf(model.tensors, false)).map(([name, { shape, data }]) => {
      const words = new Uint16Array(data.buffer).filter((_, i) => i % 2 === 1);
      return [name, { type: "BF16", shape, data: new Uint8Array(words.buffer) }] as const;
    });
    files.set("model.safetensors", safetensors(Object.fromEntries(halves)));
    const gguf = await converted(files);
    expect(gguf.metadata.uint("general.file_type")).toBe(32);
    expect(new Set(gguf.tensors.map(({ type, shape }) => `${type.name} ${shape.length}`))).toEqual(
      new Set(["F32 1", "BF16 2"]),
    );
  });

  test.each([
    ["F32", 0],
    ["BF16", 32],
  ] as const)("%s where it is asked for", async (format, fileType) => {
    const gguf = await converted(tinyCheckpoint(tiny("qwen3")), format);
    expect(gguf.metadata.uint("general.file_type")).toBe(fileType);
    expect(gguf.tensors.find(({ name }) => name === "token_embd.weight")?.type.name).toBe(format);
  });
});

describe("tensors", () => {
  test("rows of rotated heads go from halves to pairs", async () => {
    const bytes = await convertFiles(tinyCheckpoint(tiny("llama-1")), "F32");
    const gguf = readGguf(bytesSource(bytes));
    const stored = tensorsOf(tiny("llama-1").tensors, false);
    const rowsOf = (data: Uint8Array) =>
      Array.from({ length: 64 }, (_, row) => Buffer.from(data.subarray(row * 256, row * 256 + 256)));
    const tensorBytes = (name: string): Uint8Array => {
      const tensor = gguf.tensors.find((each) => each.name === name);
      const start = gguf.dataOffset + (tensor?.offset ?? 0);
      return bytes.subarray(start, start + (tensor?.byteSize ?? 0));
    };
    const original = rowsOf(stored["model.layers.1.self_attn.q_proj.weight"]?.data ?? new Uint8Array());
    const turned = rowsOf(tensorBytes("blk.1.attn_q.weight"));
    // Heads of 16 rows: row 2i of a head was row i, row 2i + 1 was row i + 8.
    for (let row = 0; row < 64; row++) {
      const [head, inHead] = [row - (row % 16), row % 16];
      expect(turned[row]?.equals(original[head + (inHead % 2) * 8 + Math.floor(inHead / 2)] ?? Buffer.alloc(0))).toBe(
        true,
      );
    }
    expect(tensorBytes("blk.1.attn_v.weight")).toEqual(
      new Uint8Array(stored["model.layers.1.self_attn.v_proj.weight"]?.data ?? []) as never,
    );
  });

  test("eyes of a model are left out; buffers and training heads are no error", async () => {
    const gguf = await converted(tinyCheckpoint(tiny("gemma3-with-eyes")));
    expect(gguf.tensors.filter(({ name }) => /vision|mm\.|^v\./.test(name))).toEqual([]);
    const model = tiny("llama-1");
    const files = tinyCheckpoint({
      ...model,
      tensors: { ...model.tensors, "model.layers.0.self_attn.rotary_emb.inv_freq": [8] },
    });
    expect((await converted(files)).tensors.map(({ name }) => name)).not.toContain("rope_freqs.weight");
    expect((await converted(tinyCheckpoint(tiny("llama-3.1")))).tensors[0]?.name).toBe("rope_freqs.weight");
  });
});

describe("tokenizers", () => {
  test("SentencePiece of tokenizer.json: scores made of merges, bytes, special tokens, padding", async () => {
    const { metadata } = await converted(tinyCheckpoint(tiny("llama-1")));
    expect(metadata.text("tokenizer.ggml.model")).toBe("llama");
    const tokens = list(await converted(tinyCheckpoint(tiny("llama-1"))), "tokenizer.ggml.tokens");
    const types = list(await converted(tinyCheckpoint(tiny("llama-1"))), "tokenizer.ggml.token_type");
    const scores = list(await converted(tinyCheckpoint(tiny("llama-1"))), "tokenizer.ggml.scores");
    expect(types.slice(0, 5)).toEqual([2, 3, 3, 6, 1]);
    expect([scores[tokens.indexOf("▁a")], scores[tokens.indexOf("▁an")]]).toEqual([0, -1]);
    expect([tokens.at(-1), types.at(-1)]).toEqual(["[PAD95]", 5]);
    expect(metadata.uint("tokenizer.ggml.bos_token_id")).toBe(1);
    expect(metadata.flag("tokenizer.ggml.add_bos_token")).toBe(true);
    expect(metadata.flag("tokenizer.ggml.add_space_prefix")).toBe(false);
    expect(metadata.text("tokenizer.chat_template")).toBe("{{ messages[0].content }}");
  });

  test("byte pairs: merges of either notation, pre-tokenizer by its rules, added tokens by their kind", async () => {
    const gguf = await converted(tinyCheckpoint(tiny("qwen2")));
    expect(gguf.metadata.text("tokenizer.ggml.model")).toBe("gpt2");
    expect(gguf.metadata.text("tokenizer.ggml.pre")).toBe("qwen2");
    expect(list(gguf, "tokenizer.ggml.merges")).toEqual(["Ġ a"]);
    expect(list(gguf, "tokenizer.ggml.token_type").slice(-4)).toEqual([3, 3, 4, 5]);
    expect(gguf.metadata.uint("tokenizer.ggml.eos_token_id")).toBe(93);
    expect(gguf.metadata.flag("tokenizer.ggml.add_bos_token")).toBe(false);
  });

  test("word pieces: beginnings of words are marked instead of what follows", async () => {
    const gguf = await converted(tinyCheckpoint(tiny("bert-cls")));
    expect(gguf.metadata.text("tokenizer.ggml.model")).toBe("bert");
    expect(list(gguf, "tokenizer.ggml.tokens")).toEqual(expect.arrayContaining(["[CLS]", "▁a", "a", "▁hello", "ing"]));
    expect(gguf.metadata.uint("bert.pooling_type")).toBe(2);
    expect(gguf.metadata.uint("tokenizer.ggml.cls_token_id")).toBe(2);
    expect(gguf.metadata.flag("tokenizer.ggml.normalizer.strip_accents")).toBe(true);
  });
});

test("generation_config.json becomes parameters, and its list of ends stops the model", async () => {
  const files = tinyCheckpoint(tiny("llama-1"));
  files.set(
    "generation_config.json",
    json({
      do_sample: true,
      temperature: 0.7,
      top_k: 20,
      top_p: 0.8,
      repetition_penalty: 1.1,
      eos_token_id: [2, 5, 6],
    }),
  );
  const { parameters } = planFiles(files);
  expect(parameters).toEqual({ temperature: 0.7, top_k: 20, top_p: 0.8, repeat_penalty: 1.1 });
  const { metadata } = await converted(files);
  expect(metadata.number("general.sampling.top_k")).toBe(20);
  expect(["eos", "eot", "eom"].map((end) => metadata.uint(`tokenizer.ggml.${end}_token_id`))).toEqual([2, 5, 6]);
  files.set("generation_config.json", json({ do_sample: false, temperature: 0.7 }));
  expect(planFiles(files).parameters).toEqual({});
});

test("configs with Python's Infinity are read", () => {
  const files = tinyCheckpoint(tiny("llama-1"));
  const text = JSON.stringify({ ...tiny("llama-1").config, note: "NaN stays", limit: 0 }).replace(
    '"limit":0',
    '"limit":-Infinity',
  );
  files.set("config.json", new TextEncoder().encode(text));
  expect(planFiles(files).layout.tensors.length).toBeGreaterThan(10);
});
