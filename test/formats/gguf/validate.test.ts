import { expect, test } from "bun:test";
import type { GgufWriteValue } from "../../../src/formats/gguf/write.ts";
import {
  layoutBytes,
  TINY_MODELS,
  tinyAdapterLayout,
  tinyGguf,
  tinyLayout,
  tinyProjectorLayout,
  type TinyModel,
} from "../../support/tiny-gguf.ts";
import { flag, float, integers, text, texts, uint } from "../../support/tiny-vocabulary.ts";
import { refusal, refusalOf, refusalWith } from "./refusal.ts";

test.each([...TINY_MODELS])("the tiny %s is valid and under 1 MB", (model) => {
  const bytes = tinyGguf(model);
  expect(refusal(bytes)).toBeUndefined();
  expect(bytes.byteLength).toBeLessThan(1_000_000);
  expect(Buffer.from(bytes).equals(tinyGguf(model))).toBe(true);
  expect(Buffer.from(bytes).equals(tinyGguf(model, 2))).toBe(false);
});

test.each(["gptj", "mllama", "", "LLAMA", "(unknown)", "llama\u0000"])("the architecture %j is unknown", (name) => {
  expect(refusalWith("general.architecture", text(name))).toStartWith("unknown model architecture: '");
});

test("a name from the file is escaped where it is shown", () => {
  expect(refusalWith("general.architecture", text("a\nb"))).toBe(String.raw`unknown model architecture: 'a\nb'`);
});

type Rule = [key: string, value: GgufWriteValue, reason: string];

test.each([
  ["llama.block_count", uint(513), "llama.block_count 513 exceeds maximum 512"],
  ["llama.block_count", { type: "u64", value: 2 }, "key llama.block_count has wrong type u64 but expected type u32"],
  ["llama.nextn_predict_layers", uint(3), "llama.nextn_predict_layers exceeds llama.block_count"],
  [
    "llama.attention.head_count",
    integers([2]),
    "key llama.attention.head_count has wrong array length; expected 2, got 1",
  ],
  ["llama.attention.head_count", integers([2, -2]), "key llama.attention.head_count has a negative value"],
  ["llama.attention.head_count", texts(["2", "2"]), "llama.attention.head_count has wrong array element type str"],
  [
    "llama.attention.head_count_kv",
    uint(3),
    "llama.attention.head_count 2 is not a multiple of llama.attention.head_count_kv 3",
  ],
  ["llama.feed_forward_length", float(128), "key llama.feed_forward_length has wrong type f32 but expected type u32"],
  ["llama.expert_count", uint(1025), "llama.expert_count 1025 exceeds maximum 1024"],
  ["llama.expert_count", uint(8), "llama.expert_used_count 0 does not fit llama.expert_count 8"],
  ["llama.expert_used_count", uint(2), "llama.expert_used_count 2 does not fit llama.expert_count 0"],
  ["llama.expert_group_count", uint(2), "expert groups 2 do not fit llama.expert_count 0"],
  ["llama.rope.scaling.type", text("su"), 'unknown rope scaling type "su"'],
  ["llama.pooling_type", uint(5), "unknown pooling type 5"],
  ["llama.attention.layer_norm_rms_epsilon", float(-1), "llama.attention.layer_norm_rms_epsilon must not be negative"],
  [
    "llama.attention.layer_norm_rms_epsilon",
    float(Number.NaN),
    "llama.attention.layer_norm_rms_epsilon must not be negative",
  ],
] satisfies Rule[])("hyperparameters: %s is refused when it cannot be (%#)", (key, value, reason) => {
  expect(refusalWith(key, value)).toBe(reason);
});

test.each([
  ["tokenizer.ggml.model", text("morse"), 'unknown tokenizer: "morse"'],
  ["tokenizer.ggml.model", uint(1), "key tokenizer.ggml.model has wrong type u32 but expected type str"],
  ["tokenizer.ggml.tokens", text("abc"), "key tokenizer.ggml.tokens has wrong type str but expected type arr"],
  ["tokenizer.ggml.tokens", integers([1, 2]), "tokenizer.ggml.tokens has wrong array element type i32"],
  ["tokenizer.ggml.tokens", texts([]), "tokenizer.ggml.tokens is empty"],
  [
    "tokenizer.ggml.scores",
    { type: "arr", elementType: "f32", values: [1, 2] },
    "tokenizer.ggml.scores has 2 values for 282 tokens",
  ],
  ["tokenizer.ggml.token_type", integers([1]), "tokenizer.ggml.token_type has 1 values for 282 tokens"],
  ["tokenizer.ggml.token_type", float(1), "key tokenizer.ggml.token_type has wrong type f32 but expected type arr"],
  ["tokenizer.ggml.merges", integers([1]), "tokenizer.ggml.merges has wrong array element type i32"],
  ["tokenizer.ggml.bos_token_id", uint(282), "tokenizer.ggml.bos_token_id 282 is not in the vocabulary of 282 tokens"],
  [
    "tokenizer.ggml.eos_token_id",
    uint(0xffff_ffff),
    "tokenizer.ggml.eos_token_id 4294967295 is not in the vocabulary of 282 tokens",
  ],
  [
    "tokenizer.ggml.fim_pre_token_id",
    { type: "i32", value: -1 },
    "key tokenizer.ggml.fim_pre_token_id has wrong type i32 but expected type u32",
  ],
  ["tokenizer.ggml.add_sep_token", flag(true), "the tokenizer adds a sep token but has none"],
  [
    "tokenizer.ggml.precompiled_charsmap",
    { type: "arr", elementType: "u8", values: [1, 2] },
    "tokenizer.ggml.precompiled_charsmap is too small",
  ],
  ["tokenizer.chat_template", integers([1]), "key tokenizer.chat_template has wrong type arr but expected type str"],
] satisfies Rule[])("tokenizer: %s is refused when it cannot be (%#)", (key, value, reason) => {
  expect(refusalWith(key, value)).toBe(reason);
});

test("a padding id outside the vocabulary is common and let through, as llama.cpp does", () => {
  expect(refusalWith("tokenizer.ggml.padding_token_id", uint(282))).toBeUndefined();
});

test("a token that is in the vocabulary twice is refused, wherever it is", () => {
  for (const [first, second] of [
    [0, 1],
    [5, 280],
    [3, 281],
  ] as const) {
    expect(
      refusalOf("llama", ({ metadata }) => metadata.set("tokenizer.ggml.tokens", repeatToken(metadata, first, second))),
    ).toMatch(/^token ".+" is in the vocabulary twice$/);
  }
});

test("empty tokens may repeat, since each gets a name of its own", () => {
  const blank = refusalOf("llama", ({ metadata }) => {
    const tokens = stringsOf(metadata, "tokenizer.ggml.tokens");
    metadata.set("tokenizer.ggml.tokens", texts(tokens.with(30, "").with(31, "")));
  });
  expect(blank).toBeUndefined();
});

test("a vocabulary of 200,000 tokens is told apart quickly", () => {
  const count = 200_000;
  const start = performance.now();
  const reason = refusalOf("llama", ({ metadata }) => {
    metadata.set("tokenizer.ggml.tokens", texts(Array.from({ length: count }, (_, id) => `tok${id}`)));
    metadata.delete("tokenizer.ggml.token_type");
  });
  expect(reason).toBe(`tensor "token_embd.weight" has wrong shape; expected [64, ${count}], got [64, 282]`);
  expect(performance.now() - start).toBeLessThan(2000);
});

test.each([
  ["token_embd.weight", [64, 283]],
  ["token_embd.weight", [32, 282]],
  ["output.weight", [64, 281]],
  ["output.weight", [64, 141, 2]],
])("%s of shape %j does not fit the vocabulary", (name, shape) => {
  const reason = refusalOf("llama", ({ tensors }) => {
    const index = tensors.findIndex((tensor) => tensor.name === name);
    const bytes = 4 * shape.reduce((product, length) => product * length, 1);
    tensors[index] = { name, type: 0, shape, data: new Uint8Array(bytes) };
  });
  expect(reason).toBe(`tensor "${name}" has wrong shape; expected [64, 282], got [${shape.join(", ")}]`);
});

test("a model without tensors is refused", () => {
  expect(refusalOf("llama", ({ tensors }) => tensors.splice(0))).toBe("GGUF has no tensors");
});

test.each([
  ["llama", "llama.attention.head_count_kv", integers([1, 0])],
  ["llama", "tokenizer.ggml.pre", text("default")],
  ["llama", "llama.rope.scaling.type", text("yarn")],
  ["lfm2", "lfm2.attention.head_count", integers([0, 2, 0, 2])],
  ["mamba", "mamba.attention.head_count_kv", uint(0)],
  [
    "gemma3",
    "tokenizer.ggml.scores",
    { type: "arr", elementType: "i32", values: Array.from({ length: 400 }, () => 0) },
  ],
] as [TinyModel, string, GgufWriteValue][])("the %s with %s changed is still valid (%#)", (model, key, value) => {
  expect(refusalWith(key, value, model)).toBeUndefined();
});

test("bert needs the ids it puts around every text", () => {
  expect(refusalWith("tokenizer.ggml.seperator_token_id", uint(109), "bert")).toStartWith(
    "tokenizer.ggml.seperator_token_id 109 is not",
  );
  expect(
    refusalOf("bert", ({ metadata }) => {
      metadata.delete("tokenizer.ggml.bos_token_id");
      metadata.set("tokenizer.ggml.tokens", texts(stringsOf(metadata, "tokenizer.ggml.tokens").slice(0, 90)));
    }),
  ).toBe("the tokenizer adds a bos token but has none");
});

test("a model that says it has no vocabulary is checked by its number of tokens", () => {
  const change = (size: number): string | undefined =>
    refusalOf("llama", ({ metadata }) => {
      metadata.set("tokenizer.ggml.model", text("none"));
      metadata.delete("tokenizer.ggml.tokens");
      metadata.set("llama.vocab_size", uint(size));
    });
  expect(change(282)).toBeUndefined();
  expect(change(283)).toStartWith('tensor "token_embd.weight" has wrong shape');
});

test("an adapter is valid in pairs of the right type only", () => {
  const change = (edit: (layout: ReturnType<typeof tinyAdapterLayout>) => void): string | undefined => {
    const layout = tinyAdapterLayout();
    edit(layout);
    return refusal(layoutBytes(layout));
  };
  expect(change(() => undefined)).toBeUndefined();
  expect(change(({ tensors }) => tensors.pop())).toBe(
    'LoRA tensor pair for "blk.0.attn_q.weight.lora_a" is missing one component',
  );
  expect(change(({ tensors }) => tensors.splice(0))).toBe("adapter has no LoRA tensors");
  expect(change(({ metadata }) => metadata.set("adapter.type", text("control")))).toStartWith(
    "expect adapter.type to be 'lora'",
  );
  expect(change(({ metadata }) => metadata.set("adapter.lora.alpha", uint(8)))).toBe(
    "key adapter.lora.alpha has wrong type u32 but expected type f32",
  );
  expect(change(({ metadata }) => metadata.set("general.architecture", text("clip2")))).toBe(
    "unknown model architecture: 'clip2'",
  );
  expect(change(({ tensors }) => tensors.push({ name: "other", type: 0, shape: [1], data: new Uint8Array(4) }))).toBe(
    'LoRA tensor "other" has unexpected suffix',
  );
});

test("a projector is valid when its tensors are", () => {
  expect(refusal(layoutBytes(tinyProjectorLayout()))).toBeUndefined();
});

test("parts of a split model after the first have no metadata to check", () => {
  const part = (index: number, count: number): string | undefined => {
    const { tensors } = tinyLayout("llama");
    const metadata = new Map<string, GgufWriteValue>([
      ["split.no", { type: "u16", value: index }],
      ["split.count", { type: "u16", value: count }],
    ]);
    return refusal(layoutBytes({ metadata, tensors }));
  };
  expect(part(1, 2)).toBeUndefined();
  expect(part(0, 2)).toBe("key not found in model: general.architecture");
  expect(part(2, 2)).toBe("split.no 2 is not below split.count 2");
});

test("the first part of a split model may hold no tensors", () => {
  const reason = refusalOf("llama", ({ metadata, tensors }) => {
    metadata.set("split.count", { type: "u16", value: 2 });
    metadata.set("split.no", { type: "u16", value: 0 });
    tensors.splice(0);
  });
  expect(reason).toBeUndefined();
});

function stringsOf(metadata: ReadonlyMap<string, GgufWriteValue>, key: string): readonly string[] {
  const value = metadata.get(key);
  if (value?.type !== "arr" || value.elementType !== "str") throw new Error(`${key} holds no strings`);
  return value.values;
}

function repeatToken(metadata: ReadonlyMap<string, GgufWriteValue>, first: number, second: number): GgufWriteValue {
  const tokens = stringsOf(metadata, "tokenizer.ggml.tokens");
  return texts(tokens.with(second, tokens[first] ?? ""));
}
