// What requests may choose for a load.

import { expect, test } from "bun:test";
import { askedThreads } from "../../src/scheduler/load-spec.ts";

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
