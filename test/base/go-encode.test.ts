// JSON in the bytes that Go's encoder writes (spec 2.06).

import { expect, test } from "bun:test";
import { goJson, goJsonLine } from "../../src/base/go-encode.ts";

test.each([
  [{ a: "<b>&" }, String.raw`{"a":"\u003cb\u003e\u0026"}`],
  [{ "k<": 1 }, String.raw`{"k\u003c":1}`],
  ["\u2028\u2029", String.raw`"\u2028\u2029"`],
  ['é😀\t"\\/', '"é😀\\t\\"\\\\/"'],
  [[1.5, true, null], "[1.5,true,null]"],
])("%j", (value, bytes) => {
  expect(goJson(value)).toBe(bytes);
});

test("what is escaped reads back as it was", () => {
  const value = { text: "a<b>c&d\u2028e\u2029", list: ["<", { "&": ">" }] };
  expect(JSON.parse(goJson(value))).toEqual(value);
});

test("a line ends with one line break and can have its keys sorted all the way down", () => {
  expect(goJsonLine({ b: 1, a: { d: [{ z: 0, y: 0 }], c: 2 } }, { sortKeys: true })).toBe(
    '{"a":{"c":2,"d":[{"y":0,"z":0}]},"b":1}\n',
  );
  expect(goJsonLine({ b: 1, a: 2 })).toBe('{"b":1,"a":2}\n');
});
