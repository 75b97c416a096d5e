import { expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { bytesSource } from "../../../src/formats/gguf/source.ts";
import { writeGguf, type GgufLayout, type GgufWriteTensor } from "../../../src/formats/gguf/write.ts";
import { layoutBytes, tinyLayout } from "../../support/tiny-gguf.ts";
import { uint } from "../../support/tiny-vocabulary.ts";

async function written(layout: GgufLayout): Promise<{ bytes: Buffer; size: number }> {
  const chunks: Uint8Array[] = [];
  const size = await writeGguf((chunk) => void chunks.push(Uint8Array.from(chunk)), layout);
  return { bytes: Buffer.concat(chunks), size };
}

/** Why writing fails. */
async function failure(layout: GgufLayout): Promise<string> {
  try {
    await writeGguf(() => undefined, layout);
    return "";
  } catch (error) {
    return error instanceof AppError ? error.message : `not an AppError: ${String(error)}`;
  }
}

function tensor(data: GgufWriteTensor["data"]): GgufWriteTensor {
  return { name: "t", type: 24, shape: [10], data };
}

test("the bytes of a small file are exactly the format's", async () => {
  const { bytes, size } = await written({
    metadata: new Map([["k", uint(7)]]),
    tensors: [{ name: "t", type: 0, shape: [2], data: new Uint8Array(Float32Array.of(1, -1).buffer) }],
  });
  const header =
    "47475546 03000000 0100000000000000 0100000000000000" +
    "0100000000000000 6b 04000000 07000000" +
    "0100000000000000 74 01000000 0200000000000000 00000000 0000000000000000";
  const expected = Buffer.from(header.replaceAll(" ", ""), "hex");
  expect(bytes.subarray(0, expected.byteLength).toString("hex")).toBe(expected.toString("hex"));
  expect(bytes.subarray(expected.byteLength, 96).every((byte) => byte === 0)).toBe(true);
  expect(bytes.subarray(96).toString("hex")).toBe(`0000803f000080bf${"00".repeat(24)}`);
  expect(size).toBe(128);
});

test("data that comes in pieces is written as it comes", async () => {
  const layout = tinyLayout("bert");
  const tensors = layout.tensors.map((whole) => ({
    ...whole,
    async *data() {
      for (let at = 0; at < whole.data.byteLength; at += 1000) yield whole.data.subarray(at, at + 1000);
    },
  }));
  const { bytes, size } = await written({
    ...layout,
    tensors: tensors.map((part) => ({ ...part, data: () => part.data() })),
  });
  expect(bytes.equals(layoutBytes(layout))).toBe(true);
  expect(size).toBe(bytes.byteLength);
});

test("metadata larger than the first buffer is written whole", async () => {
  const value = "x".repeat(3_000_000);
  const { bytes } = await written({ metadata: new Map([["k", { type: "str", value }]]), tensors: [] });
  expect(readGguf(bytesSource(bytes)).metadata.text("k")).toBe(value);
});

test.each([9, 11])("a tensor of 10 bytes given %d is an error", async (length) => {
  const layout = { metadata: new Map(), tensors: [tensor(new Uint8Array(length))] };
  expect(await failure(layout)).toContain(`tensor "t" has ${length} bytes of data, expected 10`);
});

test("a producer that never ends is stopped at the tensor's size", async () => {
  let chunks = 0;
  const endless = function* (): Generator<Uint8Array> {
    for (;;) {
      chunks += 1;
      yield new Uint8Array(4);
    }
  };
  expect(await failure({ metadata: new Map(), tensors: [tensor(endless)] })).toContain("expected 10");
  expect(chunks).toBe(3);
});

test("the alignment is the writer's to declare", async () => {
  const metadata = new Map([["general.alignment", uint(64)]]);
  expect(await failure({ metadata, tensors: [] })).toContain("general.alignment");
  const { bytes } = await written({ metadata: new Map(), tensors: [tensor(new Uint8Array(10))], alignment: 64 });
  const gguf = readGguf(bytesSource(bytes));
  expect(gguf.metadata.uint("general.alignment")).toBe(64);
  expect(gguf.dataOffset % 64).toBe(0);
  expect(bytes.byteLength % 64).toBe(0);
});
