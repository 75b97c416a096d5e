import { expect, test } from "bun:test";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { bytesSource, type GgufSource } from "../../../src/formats/gguf/source.ts";
import { layoutBytes, tinyGguf, tinyLayout } from "../../support/tiny-gguf.ts";
import { rawGguf, string, u32, u64 } from "./raw-gguf.ts";
import { refusal } from "./refusal.ts";

test("a file is read to its version, keys, tensors and the start of its data", () => {
  const layout = tinyLayout("llama");
  const bytes = layoutBytes(layout);
  const gguf = readGguf(bytesSource(bytes));
  expect(gguf.version).toBe(3);
  expect(gguf.alignment).toBe(32);
  expect(gguf.fileSize).toBe(bytes.byteLength);
  expect([...gguf.metadata.entries.keys()]).toEqual([...layout.metadata.keys()]);
  expect(gguf.tensors.map(({ name, shape }) => ({ name, shape }))).toEqual(
    layout.tensors.map(({ name, shape }) => ({ name, shape: [...shape] })),
  );
  for (const [index, { offset, byteSize }] of gguf.tensors.entries()) {
    const start = gguf.dataOffset + offset;
    expect(bytes.subarray(start, start + byteSize)).toEqual(Buffer.from(layout.tensors[index]?.data ?? []));
  }
});

test("version 2 has the same layout and is read as well", () => {
  const bytes = Buffer.from(tinyGguf("bert"));
  bytes.writeUInt32LE(2, 4);
  expect(readGguf(bytesSource(bytes)).version).toBe(2);
  expect(refusal(bytes)).toBeUndefined();
});

test("the data starts at the declared alignment", () => {
  const layout = { ...tinyLayout("bert"), alignment: 4096 };
  const gguf = readGguf(bytesSource(layoutBytes(layout)));
  expect(gguf.alignment).toBe(4096);
  expect(gguf.dataOffset % 4096).toBe(0);
  expect(refusal(layoutBytes(layout))).toBeUndefined();
});

test("only the metadata is read, and at most one window of what follows", () => {
  const bytes = tinyGguf("llama");
  const whole = bytesSource(bytes);
  let readBytes = 0;
  const counted: GgufSource = {
    size: whole.size,
    readAt(target, offset) {
      readBytes += target.byteLength;
      return whole.readAt(target, offset);
    },
  };
  const { dataOffset } = readGguf(counted);
  expect(readBytes).toBeLessThanOrEqual(dataOffset + 64 * 1024);
  expect(readBytes).toBeLessThan(bytes.byteLength / 4);
});

test("a source that gives a byte at a time is read all the same", () => {
  const bytes = tinyGguf("bert");
  const whole = bytesSource(bytes);
  const slow: GgufSource = {
    size: whole.size,
    readAt: (target, offset) => whole.readAt(target.subarray(0, 1), offset),
  };
  expect([...readGguf(slow).metadata.entries.keys()]).toEqual([...readGguf(whole).metadata.entries.keys()]);
});

test("a file that turns out shorter than it said is truncated", () => {
  const bytes = tinyGguf("bert");
  const source: GgufSource = { ...bytesSource(bytes.subarray(0, 100)), size: bytes.byteLength };
  expect(() => readGguf(source)).toThrow("GGUF file is truncated: unexpected EOF while reading");
});

test.each([
  ["an unknown value type", [string("k"), u32(13)], "invalid type: 13"],
  ["an array of arrays", [string("k"), u32(9), u32(9), u64(1)], "invalid array type: 9"],
  ["an array of an unknown type", [string("k"), u32(9), u32(99), u64(1)], "invalid array type: 99"],
  ["an empty key", [string(""), u32(4), u32(1)], "GGUF has an empty key"],
])("%s is refused", (_, entry, reason) => {
  expect(refusal(Buffer.concat([rawGguf(0, 1, ...entry), new Uint8Array(64)]))).toBe(reason);
});

test("a key given twice is refused", () => {
  const entry = [string("some.key"), u32(4), u32(1)];
  expect(refusal(rawGguf(0, 2, ...entry, ...entry))).toBe('duplicate key "some.key"');
});

test("a tensor given twice is refused", () => {
  const info = [string("t"), u32(1), u64(8), u32(0), u64(0)];
  expect(refusal(Buffer.concat([rawGguf(2, 0, ...info, ...info), new Uint8Array(64)]))).toBe('duplicate tensor "t"');
});

test("names from the file are quoted and cut in errors", () => {
  const entry = [string("\n".repeat(5000)), u32(4), u32(1)];
  const reason = refusal(rawGguf(0, 2, ...entry, ...entry)) ?? "";
  expect(reason).toStartWith(String.raw`duplicate key "\n\n`);
  expect(reason.length).toBeLessThan(250);
});
