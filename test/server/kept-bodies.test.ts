// Bodies in memory: one may be large, many large ones at once may not.

import { expect, test } from "bun:test";
import { KeptBodies } from "../../src/server/kept-bodies.ts";

const MIB = 1024 * 1024;

test("large bodies that come together are refused beyond the bound, and taken when others have left", () => {
  const bodies = new KeptBodies();
  const [first, second, third] = [bodies.open(), bodies.open(), bodies.open()];
  first.keep(300 * MIB);
  second.keep(200 * MIB);
  expect(() => third.keep(100 * MIB)).toThrow("too many large requests");
  third.keep(10 * MIB);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  third.keep(100 * MIB);
});

test("one alone is never refused", () => {
  const one = new KeptBodies().open();
  for (let i = 0; i < 10; i++) one.keep(100 * MIB);
});
