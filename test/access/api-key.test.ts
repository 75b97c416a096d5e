// Keys: what is made, kept and recognised.

import { expect, test } from "bun:test";
import { decodeKey, encodeKey, findKey, type KeyWish, makeKey, parseScopes } from "../../src/access/api-key.ts";

const wish: KeyWish = { name: "alice", scopes: ["infer"], limit: 0, budget: 0 };

test("a key is 256 random bits, and what is kept of it does not hold it", () => {
  const { key, text } = makeKey(wish);
  expect(text).toMatch(/^ollama_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/);
  expect(text).toContain(key.id);
  expect(encodeKey(key)).not.toContain(text.slice(16));
  expect(decodeKey(key.id, encodeKey(key))).toEqual(key);
  expect(makeKey(wish).text).not.toBe(text);
});

test("only the whole text is recognised, among many", () => {
  const made = ["a", "b", "c"].map((name) => makeKey({ ...wish, name }));
  const keys = made.map(({ key }) => key);
  for (const { key, text } of made) expect(findKey(keys, text)).toBe(key);
  for (const wrong of [
    "",
    "x",
    made[0]?.text.slice(0, -1) ?? "",
    `${made[0]?.text} `,
    made[0]?.key.hash.toString("hex") ?? "",
  ]) {
    expect(findKey(keys, wrong)).toBeUndefined();
  }
  expect(findKey([], "x")).toBeUndefined();
});

test.each<[Partial<KeyWish>, string]>([
  [{ name: "" }, 'key name ""'],
  [{ name: "a b" }, "use letters"],
  [{ name: "../x" }, "use letters"],
  [{ name: "x".repeat(64) }, "at most 63"],
  [{ scopes: [] }, "a key needs a scope: infer, manage, metrics"],
  [{ limit: -1 }, "limit must be a whole number"],
  [{ budget: 1.5 }, "budget must be a whole number"],
])("%j makes no key", (change, message) => {
  expect(() => makeKey({ ...wish, ...change })).toThrow(message);
});

test("scopes are read from a list, each once", () => {
  expect(parseScopes("infer, manage infer")).toEqual(["infer", "manage"]);
  expect(() => parseScopes("infer,root")).toThrow('unknown scope "root": choose from infer, manage, metrics');
});

test.each([
  "",
  "{",
  "[]",
  "null",
  '{"name":"a"}',
  '{"name":"a","scopes":["infer"],"limit":0,"budget":0,"created_at":"x","sha256":"00"}',
])("a file with %p holds no key", (text) => expect(decodeKey("0123abcd", text)).toBeUndefined());
