// Digests: what is accepted as one, and that no other text ever becomes a path.

import { expect, test } from "bun:test";
import { digestHex, digestOf, DigestStream, isDigest, parseDigest } from "../../src/base/digest.ts";
import { AppError } from "../../src/base/errors.ts";

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("both separators and upper-case digits are read as one spelling", () => {
  expect(String(parseDigest(`sha256:${EMPTY}`))).toBe(`sha256:${EMPTY}`);
  expect(String(parseDigest(`sha256-${EMPTY.toUpperCase()}`))).toBe(`sha256:${EMPTY}`);
  expect(digestHex(parseDigest(`sha256-${EMPTY}`))).toBe(EMPTY);
});

test.each([
  "",
  EMPTY,
  "sha256:",
  `sha256:${EMPTY}0`,
  `sha256:${EMPTY.slice(1)}`,
  `sha512:${EMPTY}`,
  `SHA256:${EMPTY}`,
  `sha256:${EMPTY}\n`,
  `sha256:../${EMPTY.slice(3)}`,
  `x sha256:${EMPTY}`,
])("%p is no digest", (text) => {
  expect(isDigest(text)).toBe(false);
  expect(() => parseDigest(text)).toThrow(new AppError("invalid", "invalid digest format"));
});

test("hashing in pieces and at once agree", () => {
  const stream = new DigestStream();
  for (const part of ["he", "", "llo"]) stream.update(Buffer.from(part));
  expect(stream.bytes).toBe(5);
  expect(stream.digest()).toBe(digestOf("hello"));
  expect(String(digestOf(""))).toBe(`sha256:${EMPTY}`);
});
