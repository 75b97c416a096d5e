// Every published hole of this kind that a GGUF can carry, by its id; each must end as a reason, fast and in flat memory.

import { expect, test } from "bun:test";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { validateGguf } from "../../../src/formats/gguf/validate.ts";
import type { GgufWriteValue } from "../../../src/formats/gguf/write.ts";
import { fieldOffsets } from "../../support/mutate-gguf.ts";
import { layoutBytes, tinyGguf, tinyLayout } from "../../support/tiny-gguf.ts";
import { integers, text, uint } from "../../support/tiny-vocabulary.ts";
import { rawGguf, string, u32, u64 } from "./raw-gguf.ts";
import { refusal, refusalOf, refusalWith } from "./refusal.ts";

const MIB = 1024 * 1024;

function withVersion(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(tinyGguf("llama"));
  file.set(bytes, 4);
  return file;
}

test("CVE-2024-39720: a file of nothing but the magic is truncated", () => {
  expect(refusal(Buffer.from("GGUF"))).toBe("GGUF file is truncated: unexpected EOF while reading header");
});

test.each(["", "G", "GGU", "ggml", "GGML-like text", "PK\u0003\u0004zip"])("%j is no GGUF", (content) => {
  expect(refusal(Buffer.from(content))).toBe("supplied file was not in GGUF format");
});

test.each([
  ["llama.block_count", uint(0), "llama.block_count must not be 0"],
  ["llama.attention.head_count", uint(0), "llama.attention.head_count must not be 0"],
  ["llama.attention.head_count", integers([0, 0]), "llama.attention.head_count must not be 0"],
  ["llama.attention.head_count_kv", uint(0), "llama.attention.head_count_kv must not be 0"],
  ["llama.embedding_length", uint(0), "llama.embedding_length must not be 0"],
  ["llama.context_length", uint(0), "llama.context_length must not be 0"],
  ["llama.attention.key_length", uint(0), "llama.attention.key_length must not be 0"],
] as [string, GgufWriteValue, string][])("CVE-2024-8063: %s of 0 is refused (%#)", (key, value, reason) => {
  expect(refusalWith(key, value)).toBe(reason);
});

test("CVE-2024-12055: a model cut at any metadata boundary is truncated, not trusted", () => {
  const bytes = tinyGguf("llama");
  const cuts = fieldOffsets(bytes).filter((offset) => offset >= 4);
  expect(cuts.length).toBeGreaterThan(150);
  for (const cut of cuts) {
    for (const length of [cut - 1, cut]) {
      expect(refusal(bytes.subarray(0, length))).toMatch(/truncated|not in GGUF format|exceeds file size/);
    }
  }
});

test.each([
  ["general.architecture", "key not found in model: general.architecture"],
  ["tokenizer.ggml.model", "key not found in model: tokenizer.ggml.model"],
  ["tokenizer.ggml.tokens", "key not found in model: tokenizer.ggml.tokens"],
  ["tokenizer.ggml.merges", "key not found in model: tokenizer.ggml.merges"],
  ["llama.block_count", "key not found in model: llama.block_count"],
  ["llama.attention.head_count", "key not found in model: llama.attention.head_count"],
])("CVE-2025-0312: a model without %s is refused", (key, reason) => {
  expect(refusalWith(key, undefined)).toBe(reason);
});

test.each([
  ["a string of 2^62 bytes", rawGguf(0, 1, string("k"), u32(8), u64(1n << 62n)), "string length 4611686018427387904"],
  ["a string of 1 GiB", rawGguf(0, 1, string("k"), u32(8), u64(1n << 30n)), "string length 1073741824"],
  [
    "an array of 2^61 strings",
    rawGguf(0, 1, string("k"), u32(9), u32(8), u64(1n << 61n)),
    "array size 2305843009213693952",
  ],
  ["2^40 tensors", rawGguf(1n << 40n, 0), "tensor count 1099511627776"],
  ["2^40 keys", rawGguf(0, 1n << 40n), "key count 1099511627776"],
  ["a key of 2^63 bytes", rawGguf(0, 1, u64(1n << 63n)), "key length 9223372036854775808"],
  ["a tensor name of 64 bytes", rawGguf(1, 0, string("n".repeat(64))), "tensor name length 64"],
])("CVE-2025-0315: %s costs nothing", (_, bytes, reason) => {
  const file = Buffer.concat([bytes, new Uint8Array(1024)]);
  const rss = process.memoryUsage().rss;
  const start = performance.now();
  expect(refusal(file)).toStartWith(`GGUF ${reason} exceeds maximum`);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(process.memoryUsage().rss - rss).toBeLessThan(32 * MIB);
});

test.each([
  ["an array of 64 Mi numbers", rawGguf(0, 1, string("k"), u32(9), u32(10), u64(64 * MIB))],
  ["an array of 64 Mi strings", rawGguf(0, 1, string("k"), u32(9), u32(8), u64(64 * MIB))],
  ["a string of 16 MiB", rawGguf(0, 1, string("k"), u32(8), u64(16 * MIB))],
  ["32,768 tensors", rawGguf(32_768, 0)],
  ["16,384 keys", rawGguf(0, 16_384)],
])("CVE-2025-0315: %s within the limits but not in the file is truncated", (_, bytes) => {
  const rss = process.memoryUsage().rss;
  expect(refusal(bytes)).toStartWith("GGUF file is truncated: unexpected EOF while reading");
  expect(process.memoryUsage().rss - rss).toBeLessThan(32 * MIB);
});

test("CVE-2025-0315: metadata of gigabytes is not walked to its end", () => {
  let readBytes = 0;
  const head = rawGguf(0, 2, string("a"), u32(9), u32(8), u64(64 * MIB));
  const size = 8 * 1024 * MIB;
  const source = {
    size,
    readAt(target: Uint8Array, offset: number) {
      target.fill(0);
      if (offset < head.byteLength) target.set(head.subarray(offset, offset + target.byteLength));
      readBytes += target.byteLength;
      return target.byteLength;
    },
  };
  const rss = process.memoryUsage().rss;
  expect(() => validateGguf(readGguf(source))).toThrow("GGUF metadata exceeds maximum of 134217728 bytes");
  expect(readBytes).toBeLessThan(160 * MIB);
  expect(process.memoryUsage().rss - rss).toBeLessThan(32 * MIB);
});

test.each([
  ["0", [u32(4), u32(0)], "invalid GGUF alignment: 0"],
  ["3", [u32(4), u32(3)], "invalid GGUF alignment: 3"],
  ["1", [u32(4), u32(1)], "invalid GGUF alignment: 1"],
  ["2^31", [u32(4), u32(0x8000_0000)], "invalid GGUF alignment: 2147483648"],
  ["2^32", [u32(10), u64(1n << 32n)], "key general.alignment has wrong type u64 but expected type u32"],
  ["text", [u32(8), string("32")], "key general.alignment has wrong type str but expected type u32"],
  ["a list", [u32(9), u32(4), u64(1), u32(32)], "key general.alignment has wrong type arr but expected type u32"],
])("CVE-2025-0317, CVE-2024-8063: an alignment of %s is refused", (_, value, reason) => {
  expect(refusal(rawGguf(0, 1, string("general.alignment"), ...value))).toBe(reason);
});

test.each([
  [[0, 0, 0, 0], "unsupported GGUF version 0"],
  [[1, 0, 0, 0], "unsupported GGUF version 1"],
  [[4, 0, 0, 0], "unsupported GGUF version 4"],
  [[0, 0, 0, 3], "unsupported GGUF version 3 (big-endian)"],
  [[0, 0, 0, 2], "unsupported GGUF version 2 (big-endian)"],
  [[255, 255, 255, 255], "unsupported GGUF version 4294967295"],
])("CVE-2025-66959, CVE-2025-66960: version bytes %j are refused", (version, reason) => {
  expect(refusal(withVersion(Uint8Array.from(version)))).toBe(reason);
});

test("CVE-2025-66959: a big-endian file with a swapped magic is refused by its version", () => {
  expect(refusal(Buffer.concat([Buffer.from("FUGG"), Uint8Array.of(0, 0, 0, 3)]))).toBe(
    "unsupported GGUF version 3 (big-endian)",
  );
});

test("CVE-2026-7482: a tensor reaching past the end of the file is refused before anything reads it", () => {
  const bytes = tinyGguf("llama");
  expect(refusal(bytes.subarray(0, bytes.byteLength - 4096))).toMatch(
    /^tensor "blk\.1\.ffn_down\.weight" offset\+size \(\d+\) exceeds file size \(\d+\)$/,
  );
});

test.each([
  ["its offset wraps around", tensorWith({ offset: (1n << 64n) - 32n }), 'tensor "t" offset+size overflows'],
  ["its offset is huge", tensorWith({ offset: 1n << 52n }), /^tensor "t" offset\+size \(\d+\) exceeds file size/],
  ["its elements overflow", tensorWith({ shape: [1n << 32n, 1n << 32n] }), 'tensor "t" elements overflow'],
  ["its elements wrap to few", tensorWith({ shape: [1n << 63n, 2n, 3n] }), 'tensor "t" elements overflow'],
  ["its bytes overflow", tensorWith({ shape: [1n << 52n] }), 'tensor "t" size overflow'],
  ["it has no elements", tensorWith({ shape: [0n, 1n << 62n] }), 'tensor "t" has an empty dimension'],
  ["its type is unknown", tensorWith({ type: 43 }), 'tensor "t" has unknown type 43'],
  ["its type was removed", tensorWith({ type: 4 }), 'tensor "t" has unknown type 4'],
  ["its type is negative", tensorWith({ type: 0xffff_ffff }), 'tensor "t" has unknown type 4294967295'],
  ["it has five dimensions", tensorWith({ shape: [1n, 1n, 1n, 1n, 1n] }), 'tensor "t" dimensions 5 exceeds maximum 4'],
  ["its rows are partial blocks", tensorWith({ shape: [33n], type: 2 }), /33 elements per row, not a multiple of 32$/],
  ["it is misplaced", tensorWith({ offset: 32n }), 'tensor "t" has offset 32, expected 0'],
] as [string, Uint8Array, string | RegExp][])(
  "CVE-2026-7482, CVE-2026-33298: a tensor is refused when %s",
  (_, bytes, reason) => {
    expect(refusal(bytes)).toMatch(reason);
  },
);

test("CVE-2026-7482: tensors that overlap are refused", () => {
  const bytes = Buffer.from(tinyGguf("llama"));
  const second = fieldOffsetOfSecondTensor(bytes);
  bytes.writeBigUInt64LE(0n, second);
  expect(refusal(bytes)).toMatch(/^tensor "output_norm\.weight" has offset 0, expected 72192$/);
});

test("mllama (before 0.7.0): vision and audio keys inside a text model are refused", () => {
  for (const key of ["llama.vision.block_count", "llama.audio.block_count", "clip.has_vision_encoder"]) {
    expect(refusalWith(key, uint(1))).toStartWith("models with vision or audio inside the GGUF are not supported");
  }
  expect(refusalWith("general.architecture", text("mllama"))).toBe("unknown model architecture: 'mllama'");
});

test("l#25969: a token text of megabytes never reaches a tokenizer that squares it", () => {
  const reason = refusalOf("llama", ({ metadata }) => {
    const tokens = metadata.get("tokenizer.ggml.tokens");
    if (tokens?.type !== "arr" || tokens.elementType !== "str") throw new Error("no tokens");
    const values = tokens.values.with(20, "x".repeat(2 * MIB));
    metadata.set("tokenizer.ggml.tokens", { type: "arr", elementType: "str", values });
  });
  expect(reason).toBe("GGUF string length 2097152 exceeds maximum 4096");
});

test("l#25969: a token that names a byte below zero is refused for tokenizers that look bytes up by name", () => {
  for (const [tokenizer, token, reason] of [
    ["plamo2", "<0x-1>", 'token "<0x-1>" names no byte'],
    ["plamo2", "<0x+1>", 'token "<0x+1>" names no byte'],
    ["llama", "<0xZZ>", 'token "<0xZZ>" names no byte'],
  ] as const) {
    const outcome = refusalOf("gemma3", ({ metadata }) => {
      const tokens = metadata.get("tokenizer.ggml.tokens");
      if (tokens?.type !== "arr" || tokens.elementType !== "str") throw new Error("no tokens");
      metadata.set("tokenizer.ggml.model", text(tokenizer));
      metadata.set("tokenizer.ggml.tokens", {
        type: "arr",
        elementType: "str",
        values: tokens.values.with(tokens.values.length - 1, token),
      });
    });
    expect(outcome).toBe(reason);
  }
});

function tensorWith(change: { shape?: bigint[]; type?: number; offset?: bigint }): Uint8Array {
  const shape = change.shape ?? [32n];
  const info = [string("t"), u32(shape.length), ...shape.map(u64), u32(change.type ?? 0), u64(change.offset ?? 0n)];
  return Buffer.concat([rawGguf(1, 0, ...info), new Uint8Array(1024)]);
}

function fieldOffsetOfSecondTensor(bytes: Buffer): number {
  const name = "output_norm.weight";
  expect(tinyLayout("llama").tensors[1]?.name).toBe(name);
  expect(bytes.equals(layoutBytes(tinyLayout("llama")))).toBe(true);
  // name, one dimension, its length, the type
  return bytes.indexOf(name) + name.length + 4 + 8 + 4;
}
