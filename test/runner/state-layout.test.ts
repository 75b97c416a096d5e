// Saved states rewritten for another number of sequences: the cells stay, the stream count changes, and what is not
// understood is refused instead of read past its end.

import { expect, test } from "bun:test";
import { withStreams } from "../../src/runner/engine/state-layout.ts";
import { seededRandom } from "../support/seeded-random.ts";

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const HEAD = Buffer.concat([u32(0xabcd), u32(3)]);

/** Cells of one stream in llama.cpp's layout: positions with their sequence ids, then keys and values of each layer. */
function cells(count: number, transposed: boolean): Buffer {
  const meta = Array.from({ length: count }, (_, i) => Buffer.concat([u32(i), u32(0)]));
  const keys = [0, 1].map((layer) => Buffer.concat([u32(1), u64(6), Buffer.alloc(6 * count, layer + 1)]));
  const values = [0, 1].map((layer) =>
    transposed
      ? Buffer.concat([u32(1), u32(2), u32(3), Buffer.alloc(6 * count, layer + 9)])
      : Buffer.concat([u32(1), u64(6), Buffer.alloc(6 * count, layer + 9)]),
  );
  return Buffer.concat([u32(count), ...meta, u32(transposed ? 1 : 0), u32(2), ...keys, ...values]);
}

function cache(streams: number, at: number, content: Buffer): Buffer {
  return Buffer.concat([u32(streams), ...Array.from({ length: streams }, (_, i) => (i === at ? content : u32(0)))]);
}

test.each([false, true])("the cells move to a context of another size (values transposed: %p)", (transposed) => {
  const content = cells(5, transposed);
  for (const [from, at, to] of [
    [1, 0, 4],
    [4, 2, 1],
    [3, 2, 8],
    [2, 0, 2],
  ] as const) {
    const saved = Buffer.concat([HEAD, cache(from, at, content)]);
    const moved = withStreams(saved, to, { attentionCaches: 1 });
    expect(Buffer.from(moved ?? [])).toEqual(Buffer.concat([HEAD, cache(to, 0, content)]));
  }
});

test("both caches of a sliding-window model are rewritten, and recurrent state behind a cache is kept", () => {
  const [first, second, tail] = [cells(3, false), cells(2, true), Buffer.from("recurrent state")];
  const two = Buffer.concat([HEAD, cache(2, 1, first), cache(2, 1, second)]);
  expect(Buffer.from(withStreams(two, 3, { attentionCaches: 2 }) ?? [])).toEqual(
    Buffer.concat([HEAD, cache(3, 0, first), cache(3, 0, second)]),
  );
  const hybrid = Buffer.concat([HEAD, cache(2, 1, first), tail]);
  expect(Buffer.from(withStreams(hybrid, 1, { attentionCaches: 1 }) ?? [])).toEqual(
    Buffer.concat([HEAD, cache(1, 0, first), tail]),
  );
});

test("a purely recurrent state is left as it is", () => {
  const bytes = Buffer.from("anything");
  expect(withStreams(bytes, 9, { attentionCaches: 0 })).toBe(bytes);
});

test("a state cut anywhere is refused or ends at a boundary, and damage never reads past the end", () => {
  const saved = Buffer.concat([HEAD, cache(2, 1, cells(4, false))]);
  for (let length = 0; length < saved.length; length++) {
    const moved = withStreams(saved.subarray(0, length), 3, { attentionCaches: 1 });
    if (length > HEAD.length) expect(moved).toBeUndefined();
  }
  const random = seededRandom(29);
  for (let round = 0; round < 5_000; round++) {
    const damaged = Buffer.from(saved);
    for (let i = 0; i < 3; i++) damaged.writeUInt8(random.below(256), random.below(damaged.length));
    const startedMs = performance.now();
    const moved = withStreams(damaged, 3, { attentionCaches: 1 });
    expect(moved === undefined || moved.length <= saved.length + 16).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  }
});
