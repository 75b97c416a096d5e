// C structs by value on every platform we ship for, and the generated layouts themselves.

import { describe, expect, test } from "bun:test";
import { layouts, type StructLayout } from "../../src/runner/llama/abi.gen.ts";
import { byValue, byValueArgs, CStruct, structPassing } from "../../src/runner/llama/struct.ts";
import type { Pointer } from "bun:ffi";

const SIZES = { bool: 1, i8: 1, i32: 4, u32: 4, f32: 4, i64: 8, u64: 8, ptr: 8 } as const;
const all: [string, StructLayout][] = Object.entries(layouts);

test.each([
  ["linux", "x64", "stack-words"],
  ["darwin", "x64", "stack-words"],
  ["win32", "x64", "pointer"],
  ["linux", "arm64", "pointer"],
  ["darwin", "arm64", "pointer"],
  ["win32", "arm64", "pointer"],
] as const)("%s on %s passes large structs as %s", (platform, arch, passing) => {
  expect(structPassing(platform, arch)).toBe(passing);
});

describe.each(all)("%s", (_, layout) => {
  const fields = Object.entries(layout.fields);
  test("has fields that are aligned, inside, and do not overlap", () => {
    let end = 0;
    for (const [, [offset, kind]] of fields) {
      expect(offset % SIZES[kind]).toBe(0);
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + SIZES[kind];
    }
    expect(end).toBeLessThanOrEqual(layout.size);
  });
  test("has defaults for every byte or none", () => {
    expect([0, layout.size * 2]).toContain(layout.defaults.length);
  });
  test("keeps each field that is set, and only that one changes", () => {
    for (const [name, [offset, kind]] of fields) {
      const struct = new CStruct<StructLayout>(layout);
      const before = struct.bytes.slice();
      struct.set({ [name]: kind === "bool" ? true : 3 });
      const changed = [...struct.bytes.keys()].filter((i) => struct.bytes[i] !== before[i]);
      expect(changed.every((i) => i >= offset && i < offset + SIZES[kind])).toBe(true);
      const view = new DataView(struct.bytes.buffer);
      const read = {
        bool: () => view.getInt8(offset) * 3,
        i8: () => view.getInt8(offset),
        i32: () => view.getInt32(offset, true),
        u32: () => view.getUint32(offset, true),
        f32: () => view.getFloat32(offset, true),
        i64: () => Number(view.getBigInt64(offset, true)),
        u64: () => Number(view.getBigUint64(offset, true)),
        ptr: () => Number(view.getBigUint64(offset, true)),
      }[kind]();
      expect([name, read]).toEqual([name, 3]);
    }
  });
});

test("structs passed by value are larger than two registers and whole words, as both ways of passing need", () => {
  for (const layout of [layouts.llama_model_params, layouts.llama_context_params, layouts.llama_batch]) {
    expect(layout.size).toBeGreaterThan(16);
    expect(layout.size % 8).toBe(0);
  }
});

test("on the stack the words follow five unused registers; elsewhere one pointer is passed", () => {
  const struct = new CStruct(layouts.llama_batch).set({ n_tokens: 7, logits: 0x1234_5678_9abcn });
  const first = 4096 as Pointer;
  const stack = byValue(first, struct, "stack-words");
  expect(stack.slice(0, 7)).toEqual([first, 0, 0, 0, 0, 0, 7n]);
  expect(stack.at(-1)).toBe(0x1234_5678_9abcn);
  expect(stack).toHaveLength(byValueArgs(layouts.llama_batch, "stack-words").length);
  expect(byValue(first, struct, "pointer")).toEqual([first, struct.pointer]);
  expect(byValueArgs(layouts.llama_batch, "pointer")).toEqual(["ptr", "ptr"]);
});

test("a field that is not in the layout is refused", () => {
  const struct = new CStruct<StructLayout>(layouts.llama_batch);
  expect(() => struct.set({ nonsense: 1 })).toThrow("no such field: nonsense");
});
