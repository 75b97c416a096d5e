import { expect, test } from "bun:test";
import { parseModelName, shortName } from "../../src/cli/model-name.ts";
import { ModelName } from "../../src/models/name.ts";

const NAMES = [
  "llama3.2",
  "llama3.2:1b",
  "user/model",
  "user/model:tag",
  "host:5000/user/model",
  "https://host/ns/model:t",
  "registry.ollama.ai/library/x",
  "REGISTRY.ollama.ai/Library/x:Y",
  "",
  ":",
  "a:",
  "../m2",
  "a//b",
  "a/b/c/d",
  "a b",
  "-a",
  "a:b:c",
  "x".repeat(80),
  "x".repeat(81),
  "n.s/model",
  "ü",
  "http://m",
  "http://n/m",
  "://h/n/m",
  "/n/m",
];

test.each(NAMES)("%p is judged and shortened as the store does it", (text) => {
  const parts = parseModelName(text);
  const stored = ModelName.tryParse(text);
  expect(parts === undefined ? undefined : shortName(parts)).toBe(stored?.display);
});
