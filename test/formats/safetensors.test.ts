// The safetensors header: what a good one says, and that hostile ones end in an error that names the file and the reason.

import { describe, expect, test } from "bun:test";
import { bytesSource } from "../../src/formats/gguf/source.ts";
import { readSafetensors } from "../../src/formats/safetensors/header.ts";
import { json, safetensors, safetensorsOf } from "../support/tiny-checkpoint.ts";

const read = (bytes: Uint8Array) => readSafetensors(bytesSource(bytes), "m.safetensors");
const entry = (dtype: string, shape: unknown, begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const file = (header: unknown, dataBytes: number) => safetensorsOf(json(header), new Uint8Array(dataBytes));

test("tensors come with type, shape and place, in the file's order", () => {
  const bytes = safetensors({
    b: { type: "F32", shape: [2, 3], data: new Uint8Array(24) },
    a: { type: "BF16", shape: [], data: new Uint8Array(2) },
  });
  const [b, a] = read(bytes);
  expect(b).toMatchObject({ name: "b", type: "F32", shape: [2, 3], byteSize: 24 });
  expect(a).toMatchObject({ name: "a", type: "BF16", shape: [], byteSize: 2, offset: (b?.offset ?? 0) + 24 });
  expect(read(file({ __metadata__: { format: "pt" }, w: entry("I64", [1], 0, 8) }, 8))).toHaveLength(1);
});

const huge = new Uint8Array(16);
new DataView(huge.buffer).setBigUint64(0, 2n ** 63n, true);
const pastEnd = new Uint8Array(16);
new DataView(pastEnd.buffer).setBigUint64(0, 1000n, true);

describe("refused", () => {
  test.each([
    ["nothing", new Uint8Array(0), /too short/],
    ["a Git LFS pointer", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"), /Git LFS/],
    ["an absurd header length", huge, /larger than 100 MB/],
    ["a header past the end", pastEnd, /ends inside its header/],
    ["a header that is no JSON", safetensorsOf(new TextEncoder().encode("{nope"), new Uint8Array(0)), /not JSON/],
    ["a header that is no UTF-8", safetensorsOf(new Uint8Array([0x7b, 0xff, 0x7d]), new Uint8Array(0)), /not JSON/],
    ["a list", file([], 0), /not a JSON object/],
    ["a tensor that is a number", file({ w: 1 }, 0), /not described by an object/],
    ["an unknown type", file({ w: entry("F128", [1], 0, 16) }, 16), /unknown type "F128"/],
    ["a negative length", file({ w: entry("F32", [-1], 0, 4) }, 4), /no valid shape/],
    ["a shape that is no list", file({ w: entry("F32", "4", 0, 4) }, 4), /no valid shape/],
    ["offsets that go back", file({ w: entry("F32", [1], 4, 0) }, 4), /no valid data_offsets/],
    ["fractional offsets", file({ w: entry("F32", [1], 0.5, 4.5) }, 5), /no valid data_offsets/],
    ["a shape that overflows", file({ w: entry("F32", [2 ** 40, 2 ** 40], 0, 4) }, 4), /does not fill/],
    ["a shape that needs more", file({ w: entry("F32", [2], 0, 4) }, 4), /shape \[2\] does not fill its 4 bytes/],
    ["tensors that overlap", file({ a: entry("F32", [2], 0, 8), b: entry("F32", [1], 4, 8) }, 8), /"b" overlaps/],
    ["a hole", file({ a: entry("F32", [1], 0, 4), b: entry("F32", [1], 8, 12) }, 12), /unused bytes before tensor "b"/],
    ["a truncated file", file({ a: entry("F32", [4], 0, 16) }, 10), /truncated.*download it again/],
    ["bytes at the end", file({ a: entry("F32", [1], 0, 4) }, 9), /5 unused bytes/],
  ])("%s", (_, bytes, reason) => {
    expect(() => read(bytes)).toThrow(reason);
    expect(() => read(bytes)).toThrow(/^m\.safetensors: /);
  });
});

test("no byte of a header can be changed into anything but a reading or a refusal", () => {
  const good = safetensors({ a: { type: "F32", shape: [2], data: new Uint8Array(8) } });
  for (let at = 0; at < good.length - 8; at++) {
    for (const value of [0, 0x22, 0x7d, 0x39, 0xff]) {
      const bytes = good.slice();
      bytes[at] = value;
      try {
        for (const { offset, byteSize } of read(bytes)) expect(offset + byteSize).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ name: "AppError", fault: "invalid" });
      }
    }
  }
});
