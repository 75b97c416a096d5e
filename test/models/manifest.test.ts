// Manifests and config blobs: Ollama's bytes in, the same bytes out.

import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/base/digest.ts";
import { encodeImageConfig, parseImageConfig } from "../../src/models/image-config.ts";
import { encodeManifest, layerKind, layersOf, manifestSize, parseManifest } from "../../src/models/manifest.ts";

const digest = (text: string): string => digestOf(text);
const BYTES =
  `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":` +
  `{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"${digest("config")}","size":485},"layers":[` +
  `{"mediaType":"application/vnd.ollama.image.model","digest":"${digest("weights")}","size":1000,"from":"/models/x"},` +
  `{"mediaType":"application/vnd.ollama.image.license","digest":"${digest("license")}","size":7}]}\n`;

test("what Ollama wrote comes out byte for byte", () => {
  expect(encodeManifest(parseManifest(BYTES))).toBe(BYTES);
});

test("the size is that of all layers and the config", () => {
  expect(manifestSize(parseManifest(BYTES))).toBe(1492);
});

test("layers are found by kind; a foreign media type is of none", () => {
  const manifest = parseManifest(BYTES);
  expect(layersOf(manifest, "model").map(({ from }) => from)).toEqual(["/models/x"]);
  expect(layersOf(manifest, "adapter")).toEqual([]);
  expect(layerKind({ mediaType: "application/vnd.ollama.image.future" })).toBeUndefined();
  expect(layerKind({ mediaType: "model" })).toBeUndefined();
});

describe("a manifest is refused", () => {
  const broken = (change: (raw: Record<string, unknown>) => void): string => {
    const raw = JSON.parse(BYTES) as Record<string, unknown>;
    change(raw);
    return JSON.stringify(raw);
  };
  test.each([
    ["when it is no JSON", "{", "not JSON"],
    ["when it is a list", "[]", "malformed"],
    ["without a config", broken((raw) => delete raw["config"]), "/config"],
    ["with layers that are no list", broken((raw) => (raw["layers"] = {})), "/layers"],
    ["with a size below zero", BYTES.replace("485", "-1"), "/config/size"],
    [
      "with a digest that is a path",
      BYTES.replace(digest("weights"), "sha256:../../../etc/passwd"),
      "invalid digest format",
    ],
    [
      "with ten thousand layers and one",
      broken((raw) => (raw["layers"] = Array(10_001).fill(raw["config"]))),
      "/layers",
    ],
  ])("%s", (_, text, message) => {
    expect(() => parseManifest(text)).toThrow(message);
  });
});

test("a config that Ollama wrote comes out byte for byte", () => {
  const bytes =
    '{"model_format":"gguf","model_family":"llama","model_families":["llama"],"model_type":"134.52M","file_type":"Q4_1",' +
    '"renderer":"qwen3-coder","parser":"qwen3-coder","capabilities":["tools"],"architecture":"amd64","os":"linux"}\n';
  expect(encodeImageConfig(parseImageConfig(bytes))).toBe(bytes);
});

test("fields of newer versions and null lists are no obstacle", () => {
  const config = parseImageConfig(
    '{"model_format":"gguf","model_families":null,"capabilities":null,"rootfs":{"type":"layers"}}',
  );
  expect(config).toMatchObject({ model_format: "gguf", model_families: null, model_family: "" });
  expect(config.capabilities).toBeUndefined();
});

test.each(["", "[]", '{"model_format":1}', '{"model_families":"llama"}'])("%p is no config", (text) => {
  expect(() => parseImageConfig(text)).toThrow("the model's config");
});
