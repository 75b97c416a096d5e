import { expect, test } from "bun:test";
import { adapterMisfit } from "../../../src/formats/gguf/adapter-fit.ts";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { layoutBytes, tinyAdapterLayout, tinyLayout, type TinyLayout } from "../../support/tiny-gguf.ts";

function parsed(layout: TinyLayout) {
  const bytes = layoutBytes(layout);
  return readGguf({
    size: bytes.length,
    readAt: (target, offset) => {
      const part = bytes.subarray(offset, offset + target.byteLength);
      new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(part);
      return part.length;
    },
  });
}

function adapter(name: string, a: readonly number[], b: readonly number[], type = 0): TinyLayout {
  const zeros = (shape: readonly number[]) => new Uint8Array(shape.reduce((x, y) => x * y, type === 0 ? 4 : 1));
  const pair = [
    { name: `${name}.lora_a`, type, shape: a, data: zeros(a) },
    { name: `${name}.lora_b`, type, shape: b, data: zeros(b) },
  ];
  return { ...tinyAdapterLayout(), tensors: pair };
}

const base = parsed(tinyLayout("llama"));
const tokens = base.tensors.find(({ name }) => name === "token_embd.weight")?.shape[1] ?? 0;

test("an adapter of this model fits, whatever its rank", () => {
  expect(adapterMisfit(base, parsed(tinyAdapterLayout()))).toBeUndefined();
  expect(adapterMisfit(base, parsed(adapter("blk.0.ffn_down.weight", [128, 16], [16, 64])))).toBeUndefined();
});

test("the pair of an embedding is turned round", () => {
  expect(adapterMisfit(base, parsed(adapter("token_embd.weight", [8, tokens], [8, 64])))).toBeUndefined();
  expect(adapterMisfit(base, parsed(adapter("token_embd.weight", [64, 8], [8, tokens])))).toContain(
    "token_embd.weight",
  );
});

test.each([
  ["wrong inputs", adapter("blk.0.attn_q.weight", [32, 4], [4, 64])],
  ["wrong outputs", adapter("blk.0.attn_q.weight", [64, 4], [4, 32])],
  ["ranks that disagree", adapter("blk.0.attn_q.weight", [64, 4], [8, 64])],
  ["one matrix for each of three experts", adapter("blk.0.attn_q.weight", [64, 4, 3], [4, 64, 3])],
])("%s are told with all three shapes", (_, layout) => {
  expect(adapterMisfit(base, parsed(layout))).toMatch(
    /tensor "blk.0.attn_q.weight": the model's is \[64, 64\], the adapter's \[.*\] and \[.*\]/,
  );
});

test("whole numbers are no weights", () => {
  expect(adapterMisfit(base, parsed(adapter("blk.0.attn_q.weight", [64, 4], [4, 64], 24)))).toContain("its type is I8");
});
