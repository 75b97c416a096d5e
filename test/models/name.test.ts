// Model names: the grammar of spec 6.08, and that no name can leave the manifests directory.

import { describe, expect, test } from "bun:test";
import { ModelName } from "../../src/models/name.ts";

test.each([
  ["llama3", "registry.ollama.ai/library/llama3:latest", "llama3:latest"],
  ["llama3:8b", "registry.ollama.ai/library/llama3:8b", "llama3:8b"],
  ["me/llama3", "registry.ollama.ai/me/llama3:latest", "me/llama3:latest"],
  ["example.com/me/m:t", "example.com/me/m:t", "example.com/me/m:t"],
  ["localhost:5000/me/m:t", "localhost:5000/me/m:t", "localhost:5000/me/m:t"],
  ["registry.ollama.ai/library/m", "registry.ollama.ai/library/m:latest", "m:latest"],
  ["REGISTRY.ollama.ai/Library/m", "REGISTRY.ollama.ai/Library/m:latest", "m:latest"],
  ["http://h/n/m:t", "h/n/m:t", "h/n/m:t"],
  ["HTTP://h:80/n/m", "h:80/n/m:latest", "h:80/n/m:latest"],
  ["://h/n/m", "h/n/m:latest", "h/n/m:latest"],
  ["_a:_b", "registry.ollama.ai/library/_a:_b", "_a:_b"],
  ["a.b-c_d:1.2-x_y", "registry.ollama.ai/library/a.b-c_d:1.2-x_y", "a.b-c_d:1.2-x_y"],
])("%p is %p and shown as %p", (text, full, display) => {
  const name = ModelName.parse(text);
  expect([name.full, name.display]).toEqual([full, display]);
});

describe("no names", () => {
  test.each([
    "",
    ":",
    ":tag",
    "a:",
    "/",
    "/a",
    "a/",
    "a//b",
    "a/b/c/d",
    "-a",
    ".a",
    "a:-b",
    "a:b:c",
    "a b",
    "a\n",
    "a\0b",
    "ä",
    "..",
    "../a",
    "a/..",
    "../../etc/passwd",
    "n.s/m",
    "h/n.s/m",
    "a@sha256:1",
    "http://m",
    "http://n/m",
    "/n/m",
    "a\\b",
    "a".repeat(81),
    `m:${"t".repeat(81)}`,
    `${"n".repeat(81)}/m`,
    `${"h".repeat(351)}/n/m`,
  ])("%p", (text) => {
    expect(ModelName.tryParse(text)).toBeUndefined();
    expect(() => ModelName.parse(text)).toThrow("invalid model name");
  });
});

test("parts may be as long as the grammar says", () => {
  const longest = `${"h".repeat(350)}/${"n".repeat(80)}/${"m".repeat(80)}:${"t".repeat(80)}`;
  expect(ModelName.parse(longest).full).toBe(longest);
});

test("names that differ by letter case only are one model", () => {
  expect(ModelName.parse("Llama3:8B").equals(ModelName.parse("llama3:8b"))).toBe(true);
  expect(ModelName.parse("llama3:8b").equals(ModelName.parse("llama3"))).toBe(false);
});

test("a path has exactly four parts, and none of them is a way up", () => {
  for (const text of ["a", "a.b:c..", "h:1/n/m"]) {
    const parts = ModelName.parse(text).path;
    expect(parts).toHaveLength(4);
    expect(parts.some((part) => part === "." || part === ".." || part.includes("/"))).toBe(false);
  }
});
