import { expect, test } from "bun:test";
import { shortFloat } from "../../src/base/short-float.ts";
import { seededRandom } from "../support/seeded-random.ts";

test("a number of single precision is written as short as it can be", () => {
  const written = [0.1, 1e-5, 16_777_216, 1e-45, -0.3, 0].map((value) => JSON.stringify(shortFloat(value)));
  expect(written).toEqual(["0.1", "0.00001", "16777216", "1e-45", "-0.3", "0"]);
});

test("it is the same number of single precision", () => {
  const random = seededRandom(5);
  const bits = new DataView(new ArrayBuffer(4));
  for (let round = 0; round < 20_000; round++) {
    bits.setUint32(0, random.below(0x7f800000));
    const single = bits.getFloat32(0);
    expect(Math.fround(shortFloat(single))).toBe(single);
  }
});
