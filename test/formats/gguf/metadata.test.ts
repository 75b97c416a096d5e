import { expect, test } from "bun:test";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import type { GgufMetadata } from "../../../src/formats/gguf/metadata.ts";
import { bytesSource } from "../../../src/formats/gguf/source.ts";
import { encodeHeader, type GgufWriteValue } from "../../../src/formats/gguf/write.ts";

function metadataOf(entries: Record<string, GgufWriteValue>): GgufMetadata {
  return readGguf(bytesSource(encodeHeader({ metadata: new Map(Object.entries(entries)), tensors: [] }))).metadata;
}

test.each([
  ["u8", 255],
  ["i8", -128],
  ["u16", 65_535],
  ["i16", -32_768],
  ["u32", 4_294_967_295],
  ["i32", -2_147_483_648],
  ["f32", 0.5],
  ["f64", 0.1],
  ["u64", 9_007_199_254_740_991],
  ["u64", 18_446_744_073_709_551_615n],
  ["i64", -9_223_372_036_854_775_808n],
  ["i64", -5],
  ["bool", true],
  ["bool", false],
] as const)("a %s of %p comes back with its type", (type, value) => {
  const entry = metadataOf({ key: { type, value } }).entries.get("key");
  expect(entry?.type).toBe(type);
  expect(entry?.value).toBe(value);
});

test("a float keeps its 32 bits", () => {
  expect(metadataOf({ key: { type: "f32", value: 1e-5 } }).number("key")).toBe(Math.fround(1e-5));
});

test.each(["", "plain", "näïve ▁ 漢字 🙂", "a\u0000b"])("the text %j comes back", (value) => {
  expect(metadataOf({ key: { type: "str", value } }).text("key")).toBe(value);
});

test("texts that are long, or too many together, are read when asked for", () => {
  const filler = "x".repeat(60_000);
  const entries = Array.from({ length: 100 }, (_, index): [string, GgufWriteValue] => [
    `key.${index}`,
    { type: "str", value: `${index}${filler}` },
  ]);
  const long = "y".repeat(70_000);
  const whole = bytesSource(
    encodeHeader({ metadata: new Map([["long", { type: "str", value: long }], ...entries]), tensors: [] }),
  );
  let reads = 0;
  const { metadata } = readGguf({
    size: whole.size,
    readAt(target, offset) {
      reads += 1;
      return whole.readAt(target, offset);
    },
  });
  const readsFor = (key: string, expected: string): number => {
    const before = reads;
    expect(metadata.text(key)).toBe(expected);
    return reads - before;
  };
  expect(readsFor("key.0", `0${filler}`)).toBe(0);
  expect(readsFor("long", long)).toBeGreaterThan(0);
  expect(readsFor("key.99", `99${filler}`)).toBeGreaterThan(0);
});

test("arrays tell what they hold and are read when asked for", () => {
  const metadata = metadataOf({
    numbers: { type: "arr", elementType: "i32", values: [1, -2, 3] },
    words: { type: "arr", elementType: "str", values: ["a", "", "ccc"] },
    empty: { type: "arr", elementType: "str", values: [] },
    flags: { type: "arr", elementType: "bool", values: [true, false] },
  });
  expect(metadata.array("numbers")).toMatchObject({ elementType: "i32", count: 3, byteLength: 12 });
  expect(metadata.array("words")).toMatchObject({ elementType: "str", count: 3, byteLength: 28 });
  const values = (key: string): unknown[] => {
    const array = metadata.array(key);
    return array === undefined ? [] : [...metadata.values(array)];
  };
  expect(values("numbers")).toEqual([1, -2, 3]);
  expect(values("words")).toEqual(["a", "", "ccc"]);
  expect(values("empty")).toEqual([]);
  expect(values("flags")).toEqual([true, false]);
});

test("a vocabulary longer than the reading window comes back whole", () => {
  const words = Array.from({ length: 30_000 }, (_, index) => `token-${index}`);
  const metadata = metadataOf({ words: { type: "arr", elementType: "str", values: words } });
  const array = metadata.array("words");
  expect(array === undefined ? [] : [...metadata.values(array)]).toEqual(words);
});

test("typed look-ups give undefined for other types instead of guessing", () => {
  const metadata = metadataOf({
    text: { type: "str", value: "1" },
    negative: { type: "i32", value: -1 },
    float: { type: "f32", value: 2 },
    small: { type: "u8", value: 7 },
  });
  expect(metadata.uint("text")).toBeUndefined();
  expect(metadata.uint("negative")).toBeUndefined();
  expect(metadata.uint("float")).toBeUndefined();
  expect(metadata.uint("small")).toBe(7);
  expect(metadata.number("negative")).toBe(-1);
  expect(metadata.text("small")).toBeUndefined();
  expect(metadata.flag("small")).toBeUndefined();
  expect(metadata.array("small")).toBeUndefined();
  expect(metadata.text("absent")).toBeUndefined();
});

test("a value for each layer is read from one number or from a list", () => {
  const metadata = metadataOf({
    one: { type: "u32", value: 4 },
    list: { type: "arr", elementType: "i32", values: [0, 2, 0] },
    flags: { type: "arr", elementType: "bool", values: [true, false, true] },
    words: { type: "arr", elementType: "str", values: ["a"] },
  });
  expect(metadata.perLayer("one", 3)).toEqual([4, 4, 4]);
  expect(metadata.perLayer("list", 3)).toEqual([0, 2, 0]);
  expect(metadata.perLayer("flags", 3)).toEqual([1, 0, 1]);
  expect(metadata.perLayer("words", 3)).toBeUndefined();
});

test("keys of an architecture carry its name", () => {
  const metadata = metadataOf({ "general.architecture": { type: "str", value: "qwen3" } });
  expect(metadata.architectureKey("block_count")).toBe("qwen3.block_count");
  expect(metadataOf({}).architecture).toBe("unknown");
});
