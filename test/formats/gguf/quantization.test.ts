import { expect, test } from "bun:test";
import { fileTypeName, fileTypeNamed, tensorType, tensorTypeNamed } from "../../../src/formats/gguf/quantization.ts";

test.each([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [7, "Q8_0"],
  [14, "Q4_K_S"],
  [15, "Q4_K_M"],
  [18, "Q6_K"],
  [30, "IQ4_XS"],
  [32, "BF16"],
  [38, "MXFP4_MOE"],
])("file type %d prints as %s, as in Ollama", (id, name) => {
  expect(fileTypeName(id)).toBe(name);
  expect(fileTypeNamed(name)).toBe(id);
});

test.each([4, 5, 6, 33, 1024, 4_294_967_295])("file type %d is unknown", (id) => {
  expect(fileTypeName(id)).toBe("unknown");
});

// Bits a weight, counted from the block structures in ggml-common.h.
test.each([
  ["F32", 32],
  ["F16", 16],
  ["BF16", 16],
  ["Q8_0", 8.5],
  ["Q6_K", 6.5625],
  ["Q5_K", 5.5],
  ["Q4_K", 4.5],
  ["Q4_0", 4.5],
  ["Q4_1", 5],
  ["Q3_K", 3.4375],
  ["Q2_K", 2.625],
  ["IQ4_XS", 4.25],
  ["IQ1_S", 1.5625],
  ["TQ1_0", 1.6875],
  ["MXFP4", 4.25],
  ["NVFP4", 4.5],
])("%s takes %d bits a weight", (name, bits) => {
  const type = tensorTypeNamed(name);
  expect(type).toBeDefined();
  expect(((type?.blockBytes ?? 0) * 8) / (type?.blockSize ?? 1)).toBe(bits);
  expect(tensorType(type?.id ?? -1)).toBe(type);
});

test.each([4, 5, 31, 36, 43, -1])("tensor type %d is unknown, removed ones included", (id) => {
  expect(tensorType(id)).toBeUndefined();
});
