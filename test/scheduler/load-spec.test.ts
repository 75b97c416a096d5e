// What requests may choose for a load.

import { expect, test } from "bun:test";
import { askedThreads, requireUsableCache } from "../../src/scheduler/load-spec.ts";

test.each([
  [undefined, undefined],
  [0, undefined],
  [-3, undefined],
  [1, 1],
  [4, 4],
  [5, 4],
  [100_000, 4],
])("%p threads asked for on four processors are %p", (asked, threads) => {
  expect(askedThreads(asked, 4)).toBe(threads);
});

test("a quantized cache without flash attention is refused with both settings, before anything is loaded", () => {
  expect(() => requireUsableCache({ kvCacheType: "q8_0", flashAttention: "off" })).toThrow(
    "OLLAMA_KV_CACHE_TYPE=q8_0 needs flash attention, which OLLAMA_FLASH_ATTENTION switches off",
  );
  for (const flashAttention of ["auto", "on"] as const) requireUsableCache({ kvCacheType: "q4_0", flashAttention });
  for (const kvCacheType of ["f16", "f32", "bf16"] as const) requireUsableCache({ kvCacheType, flashAttention: "off" });
});
