import { expect, test } from "bun:test";
import { ggufFacts, type GgufFacts } from "../../../src/formats/gguf/facts.ts";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { bytesSource } from "../../../src/formats/gguf/source.ts";
import { encodeHeader, type GgufWriteValue } from "../../../src/formats/gguf/write.ts";
import { tinyAdapterLayout, tinyGguf, tinyProjectorLayout, layoutBytes } from "../../support/tiny-gguf.ts";
import { flag, integers, text, TINY_CHATML, uint } from "../../support/tiny-vocabulary.ts";

function factsOf(bytes: Uint8Array): GgufFacts {
  return ggufFacts(readGguf(bytesSource(bytes)));
}

/** Facts of a file with keys only, those of the architecture without its name. */
function factsFrom(architecture: string, keys: Record<string, GgufWriteValue>): GgufFacts {
  const named = Object.entries(keys).map(([key, value]): [string, GgufWriteValue] => [
    key.startsWith("general.") || key.startsWith("split.") ? key : `${architecture}.${key}`,
    value,
  ]);
  const metadata = new Map([["general.architecture", text(architecture)], ...named]);
  return factsOf(encodeHeader({ metadata, tensors: [] }));
}

test("the facts of a llama are those of its keys and tensors", () => {
  expect(factsOf(tinyGguf("llama"))).toEqual({
    kind: "model",
    split: undefined,
    architecture: "llama",
    parameterCount: 110_144,
    parameterSize: "110K",
    fileType: "F32",
    contextLength: 2048,
    embeddingLength: 64,
    blockCount: 2,
    headCount: 2,
    headCountKv: 1,
    keyLength: 32,
    valueLength: 32,
    slidingWindow: 0,
    vocabSize: 282,
    expertCount: 0,
    expertUsedCount: 0,
    hasPoolingType: false,
    poolingType: undefined,
    chatTemplate: TINY_CHATML,
    tensorBytes: 440_576,
    layerBytes: { layers: [147_968, 147_968], input: 72_192, output: 72_448 },
    kvBytesPerToken: 2 * (32 + 32) * 2,
    slidingKvBytesPerToken: 0,
    recurrentBytesPerSequence: 0,
  });
});

test.each([
  [15, "Q4_K_M"],
  [1, "F16"],
  [3, "Q4_1"],
  [0, "unknown"],
  [999, "unknown"],
])("file type %d is shown as %s", (id, name) => {
  expect(factsFrom("llama", { "general.file_type": uint(id) }).fileType).toBe(name);
});

test("half the layers of the tiny gemma stop growing at its window", () => {
  const facts = factsOf(tinyGguf("gemma3"));
  expect(facts.slidingWindow).toBe(32);
  expect(facts.kvBytesPerToken).toBe(facts.slidingKvBytesPerToken);
  expect(facts.kvBytesPerToken).toBe(2 * (32 + 32) * 2);
});

test("gemma3 without a pattern has five windowed layers before each full one", () => {
  const keys = {
    block_count: uint(12),
    embedding_length: uint(64),
    "attention.head_count": uint(1),
    "attention.sliding_window": uint(512),
  };
  expect(factsFrom("gemma3", keys)).toMatchObject({ kvBytesPerToken: 2 * 256, slidingKvBytesPerToken: 10 * 256 });
  expect(factsFrom("phi3", keys)).toMatchObject({ kvBytesPerToken: 12 * 256, slidingKvBytesPerToken: 0 });
  const listed = { ...keys, "attention.sliding_window_pattern": integers([1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]) };
  expect(factsFrom("gemma4", listed)).toMatchObject({ kvBytesPerToken: 9 * 256, slidingKvBytesPerToken: 3 * 256 });
});

test("a recurrent model keeps a state and no cache", () => {
  expect(factsOf(tinyGguf("mamba"))).toMatchObject({
    headCount: 0,
    kvBytesPerToken: 0,
    recurrentBytesPerSequence: 2 * (3 * 128 + 16 * 128) * 4,
  });
});

test("a hybrid keeps both, each in its layers", () => {
  expect(factsOf(tinyGguf("lfm2"))).toMatchObject({
    headCountKv: 1,
    kvBytesPerToken: 2 * (32 + 32) * 2,
    recurrentBytesPerSequence: 2 * 2 * 64 * 4,
  });
});

test("every fourth layer of a linear-attention model has a cache", () => {
  const facts = factsFrom("qwen3next", {
    block_count: uint(8),
    embedding_length: uint(64),
    full_attention_interval: uint(4),
    "attention.head_count": uint(2),
    "attention.head_count_kv": uint(1),
    "ssm.state_size": uint(16),
    "ssm.inner_size": uint(64),
    "ssm.conv_kernel": uint(4),
    "ssm.group_count": uint(2),
  });
  expect(facts.kvBytesPerToken).toBe(2 * 64 * 2);
  expect(facts.recurrentBytesPerSequence).toBe(6 * (3 * (64 + 2 * 2 * 16) + 16 * 64) * 4);
});

test("an embedding model is known by its pooling type and keeps no cache", () => {
  expect(factsOf(tinyGguf("bert"))).toMatchObject({ hasPoolingType: true, poolingType: 1, kvBytesPerToken: 0 });
  expect(factsOf(tinyGguf("reranker"))).toMatchObject({ hasPoolingType: true, poolingType: 4 });
});

test("experts are counted, per layer or at once", () => {
  const keys = { block_count: uint(2), expert_count: uint(8) };
  expect(factsFrom("qwen3moe", { ...keys, expert_used_count: uint(2) })).toMatchObject({
    expertCount: 8,
    expertUsedCount: 2,
  });
  expect(factsFrom("qwen3moe", { ...keys, expert_used_count: integers([1, 3]) }).expertUsedCount).toBe(3);
});

test.each([
  ["llama", { "general.type": text("adapter") }, "adapter"],
  ["llama", { "general.type": text("mmproj") }, "projector"],
  ["llama", { "general.type": text("projector") }, "projector"],
  ["clip", {}, "projector"],
  ["gemma3", { "vision.block_count": uint(27) }, "projector"],
  ["gemma3", { "vision.block_count": uint(27), block_count: uint(2) }, "model"],
  ["llama", { "general.type": text("model"), has_vision_encoder: flag(true) }, "model"],
] as [string, Record<string, GgufWriteValue>, GgufFacts["kind"]][])(
  "kind (%#): %s is a %s",
  (architecture, keys, kind) => {
    expect(factsFrom(architecture, keys).kind).toBe(kind);
  },
);

test("adapters and projectors have facts too", () => {
  expect(factsOf(layoutBytes(tinyAdapterLayout()))).toMatchObject({ kind: "adapter", architecture: "llama" });
  expect(factsOf(layoutBytes(tinyProjectorLayout()))).toMatchObject({ kind: "projector", architecture: "clip" });
});

test("parts of a split model are known by their number", () => {
  const keys = {
    "split.no": { type: "u16", value: 1 },
    "split.count": { type: "u16", value: 3 },
    "split.tensors.count": { type: "i32", value: 40 },
  } as const;
  expect(factsFrom("llama", keys).split).toEqual({ index: 1, count: 3, tensorCount: 40 });
  expect(factsFrom("llama", { "split.count": { type: "u16", value: 1 } }).split).toBeUndefined();
});

test("odd values make no exception", () => {
  const facts = factsFrom("llama", {
    block_count: text("many"),
    context_length: { type: "f32", value: Number.NaN },
    "attention.head_count": { type: "arr", elementType: "str", values: ["2"] },
    "attention.head_count_kv": integers([-1]),
    "attention.sliding_window": uint(0),
  });
  expect(facts).toMatchObject({ blockCount: 0, contextLength: 0, headCount: 0, kvBytesPerToken: 0 });
});
