// Checkpoints that must not become models: each says what is wrong, and where.

import { describe, expect, test } from "bun:test";
import recorded from "../fixtures/convert/logits.json";
import { convertFiles, planFiles } from "../support/convert-files.ts";
import {
  type Files,
  json,
  safetensors,
  tensorsOf,
  tinyCheckpoint,
  type TinyCheckpoint,
  type TinyTensor,
} from "../support/tiny-checkpoint.ts";

const tiny = (name: string): TinyCheckpoint =>
  recorded.models.find((model) => model.name === name) as unknown as TinyCheckpoint;

function llama(config: object = {}, change: (tensors: Record<string, TinyTensor>) => void = () => {}): Files {
  return changed("llama-1", config, change);
}

function changed(
  name: string,
  config: object,
  change: (tensors: Record<string, TinyTensor>) => void = () => {},
): Files {
  const model = tiny(name);
  const files = tinyCheckpoint(model);
  const tensors = tensorsOf(model.tensors, model.normsLessOne);
  change(tensors);
  files.set("config.json", json({ ...model.config, ...config }));
  files.set("model.safetensors", safetensors(tensors));
  return files;
}

const without = (files: Files, name: string): Files => new Map([...files].filter(([each]) => each !== name));
const withFile = (files: Files, name: string, value: unknown): Files => new Map([...files, [name, json(value)]]);

const QUERY = "model.layers.0.self_attn.q_proj.weight";

describe("refused before anything is written", () => {
  test.each<[string, Files, RegExp]>([
    ["no config", without(llama(), "config.json"), /config\.json is missing/],
    [
      "a config that is no JSON",
      new Map([...llama(), ["config.json", Buffer.from("{")]]),
      /config\.json is not valid JSON/,
    ],
    [
      "an unknown architecture",
      llama({ architectures: ["FooModel"] }),
      /unsupported architecture "FooModel".*Qwen3ForCausalLM/,
    ],
    ["no architecture", llama({ architectures: null }), /unknown architecture/],
    ["a field of another type", llama({ hidden_size: "64" }), /config\.json: hidden_size must be a whole number/],
    ["heads that do not fit", llama({ head_dim: null, hidden_size: 66 }), /4 heads do not fit a hidden_size of 66/],
    ["key heads that do not divide", llama({ num_key_value_heads: 3 }), /does not divide 4 heads/],
    [
      "a shape that disagrees",
      llama({ intermediate_size: 100 }),
      /has shape \[96, 64\], but config\.json makes it \[100, 64\]/,
    ],
    ["a vocabulary that disagrees", llama({ vocab_size: 97 }), /embed_tokens.* has shape \[96, 64\].*\[97, 64\]/],
    ["more layers than weights", llama({ num_hidden_layers: 3 }), /weights lack tensor "model\.layers\.2\./],
    ["fewer layers than weights", llama({ num_hidden_layers: 1 }), /is of layer 1, but config\.json has 1 layers/],
    [
      "a tensor that is missing",
      llama({}, (tensors) => void delete tensors[QUERY]),
      /weights lack tensor "model\.layers\.0\.self_attn\.q_proj/,
    ],
    [
      "a tensor without a place",
      llama({}, (tensors) => void (tensors["model.extra"] = { type: "F32", shape: [1], data: new Uint8Array(4) })),
      /"model\.extra" has no place in the architecture llama/,
    ],
    [
      "weights that are quantized",
      llama(
        {},
        (tensors) =>
          void (tensors["model.layers.0.mlp.up_proj.qweight"] = { type: "I32", shape: [1], data: new Uint8Array(4) }),
      ),
      /quantized already.*GPTQ/,
    ],
    [
      "weights in FP8",
      llama(
        {},
        (tensors) => void (tensors[QUERY] = { type: "F8_E4M3", shape: [64, 64], data: new Uint8Array(64 * 64) }),
      ),
      /quantized already.*FP8/,
    ],
    ["no weights", without(llama(), "model.safetensors"), /no safetensors files/],
    [
      "a part that the index names",
      withFile(llama(), "model.safetensors.index.json", {
        weight_map: { a: "model.safetensors", b: "model-b.safetensors" },
      }),
      /parts of the model are missing: model-b\.safetensors/,
    ],
    [
      "parts that their names promise",
      new Map([...without(llama(), "model.safetensors"), ["model-00002-of-00003.safetensors", Buffer.alloc(0)]]),
      /missing: model-00001-of-00003\.safetensors, model-00003-of-00003\.safetensors/,
    ],
    [
      "a tensor twice",
      new Map([...llama(), ["model-copy.safetensors", llama().get("model.safetensors") ?? Buffer.alloc(0)]]),
      /is in both model-copy\.safetensors and model\.safetensors/,
    ],
    ["no tokenizer", without(llama(), "tokenizer.json"), /tokenizer\.json or tokenizer\.model is missing/],
    [
      "a tokenizer of another model",
      withFile(llama(), "tokenizer.json", {
        model: { type: "BPE", byte_fallback: true, vocab: { a: 96 }, merges: [] },
      }),
      /token 96, but config\.json says vocab_size 96/,
    ],
    [
      "a tokenizer of another kind",
      withFile(llama(), "tokenizer.json", { model: { type: "Unigram", vocab: [] } }),
      /Unigram tokenizer/,
    ],
    [
      "tokens without ids",
      withFile(llama(), "tokenizer.json", {
        model: { type: "BPE", byte_fallback: true, vocab: { a: "x" }, merges: [] },
      }),
      /token "a" has no valid id/,
    ],
    [
      "merges that are no pairs",
      withFile(llama(), "tokenizer.json", { model: { type: "BPE", byte_fallback: true, vocab: {}, merges: [1] } }),
      /no pair of tokens/,
    ],
    [
      "a pre-tokenizer that the engine lacks",
      unknownPreTokenizer(),
      /no pre-tokenizer of the engine cuts text like this one \(split:\\w\+/,
    ],
    [
      "a rotation that the engine lacks",
      llama({ rope_parameters: { rope_type: "dynamic", factor: 2 } }),
      /rope scaling "dynamic" is not supported/,
    ],
    ["another activation", llama({ hidden_act: "relu" }), /hidden_act is "relu", only "silu"/],
    ["windows for Qwen", changed("qwen2", { use_sliding_window: true, max_window_layers: 1 }), /use_sliding_window/],
    [
      "another scale for Gemma",
      changed("gemma2", { query_pre_attn_scalar: 100 }),
      /query_pre_attn_scalar is 100, only 32/,
    ],
    [
      "another rhythm for Gemma",
      changed("gemma3", {
        layer_types: Array.from({ length: 7 }, (_, i) => (i === 1 || i === 2 ? "full_attention" : "sliding_attention")),
      }),
      /no rhythm/,
    ],
    [
      "rotary factors of another number",
      changed("phi3-long", { rope_parameters: { rope_type: "longrope", long_factor: [1], short_factor: [1] } }),
      /must have 8 numbers each/,
    ],
    [
      "a Dense layer after pooling",
      withFile(tinyCheckpoint(tiny("bert-mean")), "modules.json", [
        { type: "sentence_transformers.models.Dense", path: "2_Dense" },
      ]),
      /Dense layer/,
    ],
    [
      "two ways of pooling",
      withFile(tinyCheckpoint(tiny("bert-mean")), "1_Pooling/config.json", {
        pooling_mode_cls_token: true,
        pooling_mode_mean_tokens: true,
      }),
      /only mean, cls or last-token/,
    ],
  ])("%s", (_, files, reason) => {
    expect(() => planFiles(files)).toThrow(reason);
  });
});

function unknownPreTokenizer(): Files {
  const files = changed("qwen2", {});
  const tokenizer = JSON.parse(Buffer.from(files.get("tokenizer.json") ?? []).toString()) as Record<string, unknown>;
  tokenizer["pre_tokenizer"] = {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: "\\w+" }, behavior: "Isolated", invert: false },
      { type: "ByteLevel", add_prefix_space: false, use_regex: false },
    ],
  };
  return withFile(files, "tokenizer.json", tokenizer);
}

describe("numbers", () => {
  const withNumber = (value: number): Files =>
    llama({}, (tensors) => {
      const { data } = tensors[QUERY] ?? { data: new Uint8Array() };
      new DataView(data.buffer, data.byteOffset).setFloat32(400, value, true);
    });

  test.each([NaN, Infinity, -Infinity])("%p in a tensor is refused, whatever it is written as", async (value) => {
    for (const matrices of ["F32", "F16", "BF16"] as const) {
      expect(convertFiles(withNumber(value), matrices)).rejects.toThrow(/q_proj\.weight" holds NaN or infinity/);
    }
  });

  test("one too large for F16 is refused with a way out, and fits BF16 and F32", async () => {
    expect(convertFiles(withNumber(70_000))).rejects.toThrow(/too large for F16.*BF16 or F32/);
    expect((await convertFiles(withNumber(70_000), "BF16")).length).toBeGreaterThan(1000);
    expect((await convertFiles(withNumber(70_000), "F32")).length).toBeGreaterThan(1000);
  });
});
