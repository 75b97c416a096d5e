// Model options: types, coercions and messages of spec section 2e.

import { expect, test } from "bun:test";
import { decodeOptions, optionTable, retiredOptions } from "../../src/api/schema/options.ts";
import { AppError } from "../../src/base/errors.ts";

const samples = { integer: 7, float32: 0.25, boolean: true, array: ["a", "b"] } as const;
const wrong = { integer: "7", float32: "0.25", boolean: 1, array: "a" } as const;

test.each(Object.entries(optionTable))("%s is taken with its own type only", (name, { kind }) => {
  expect(decodeOptions({ [name]: samples[kind] })).toEqual({ [name]: samples[kind] });
  const refusal = new AppError("invalid", `option "${name}" must be of type ${kind}`);
  expect(() => decodeOptions({ [name]: wrong[kind] })).toThrow(refusal);
  expect(() => decodeOptions({ [name]: { nested: 1 } })).toThrow(refusal);
});

test("integers take floats and cut them towards zero", () => {
  expect(decodeOptions({ num_ctx: 2048.9, seed: -1.5, top_k: 1e3 })).toEqual({ num_ctx: 2048, seed: -1, top_k: 1000 });
});

test("null is as good as absent", () => {
  expect(decodeOptions({ temperature: null, stop: null, num_gpu: null })).toEqual({});
  expect(decodeOptions(undefined)).toEqual({});
});

test("zero and empty values are kept: they are not the default", () => {
  expect(decodeOptions({ temperature: 0, seed: 0, stop: [], use_mmap: false })).toEqual({
    temperature: 0,
    seed: 0,
    stop: [],
    use_mmap: false,
  });
});

test("a list with anything but texts in it is refused", () => {
  expect(() => decodeOptions({ stop: ["a", 1] })).toThrow('option "stop" must be of an array of strings');
});

test("unknown and retired options have no effect and are no error", () => {
  const retired = Object.fromEntries([...retiredOptions].map((name) => [name, "anything"]));
  expect(decodeOptions({ ...retired, nonsense: 1, constructor: 1, toString: 2 })).toEqual({});
  expect([...retiredOptions].some((name) => name in optionTable)).toBe(false);
});
