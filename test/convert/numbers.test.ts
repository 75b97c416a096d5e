// Number formats: every 16-bit pattern widens to the number it stands for, and narrowing rounds to the nearest, ties to even.

import { expect, test } from "bun:test";
import { allFinite, convertNumbers, narrow, widen } from "../../src/convert/numbers.ts";

const every16 = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer);
const bytesOf = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** IEEE 754 half, by its definition. */
function half(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

test("F16 widens exactly and narrows back to the same bits", () => {
  const wide = widen(every16, "F16");
  expect(Array.from(wide)).toEqual(Array.from({ length: 65_536 }, (_, bits) => half(bits)));
  const finite = wide.filter(Number.isFinite);
  expect(new Float32Array(widen(narrow(finite, "F16"), "F16"))).toEqual(finite);
});

test("BF16 is the upper half of F32", () => {
  const wide = new Uint32Array(widen(every16, "BF16").buffer);
  expect(wide.every((word, i) => word === i * 65_536)).toBe(true);
  const back = new Uint16Array(convertNumbers(new Uint8Array(wide.buffer), "F32", "BF16").buffer);
  const finite = Array.from(back.keys()).filter((bits) => (bits & 0x7f80) !== 0x7f80);
  expect(finite.every((bits) => back[bits] === bits)).toBe(true);
});

test("halfway numbers go to the even neighbour", () => {
  const halfway = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -8, 1 + 3 * 2 ** -8];
  const f16 = Array.from(widen(convertNumbers(bytesOf(...halfway), "F32", "F16"), "F16"));
  expect(f16.slice(0, 2)).toEqual([1, 1 + 2 ** -9]);
  const bf16 = Array.from(widen(convertNumbers(bytesOf(...halfway), "F32", "BF16"), "BF16"));
  expect(bf16.slice(2)).toEqual([1, 1 + 2 ** -6]);
});

test("NaN and infinity are found in each format, and nothing else is", () => {
  for (const [format, bad] of [
    ["F32", [NaN, Infinity, -Infinity]],
    ["F16", [NaN, Infinity]],
    ["BF16", [NaN, -Infinity]],
  ] as const) {
    expect(allFinite(narrow(Float32Array.of(0, -0, 1e-8, 65_504, -65_504), format), format)).toBe(true);
    for (const value of bad) expect(allFinite(narrow(Float32Array.of(1, value), format), format)).toBe(false);
  }
});
