import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { type ContentType, expandPath, selectModelFiles, sniffContent } from "../../../src/formats/modelfile/paths.ts";

describe.skipIf(process.platform === "win32")("a path in a Modelfile", () => {
  const homeOf = (user = "me"): string => `/home/${user}`;
  test.each([
    ["/abs/model.gguf", "/abs/model.gguf"],
    ["/abs/../x", "/x"],
    ["./model.gguf", "/models/model.gguf"],
    ["model.gguf", "/models/model.gguf"],
    ["../x", "/x"],
    ["~", "/home/me"],
    ["~/x/y", "/home/me/x/y"],
    ["~other", "/home/other"],
    ["~other/x", "/home/other/x"],
    ["a~b", "/models/a~b"],
  ])("%s is %s", (path, wanted) => expect(expandPath(path, "/models", homeOf)).toBe(wanted));

  test("is absolute even where the Modelfile's folder is not", () => {
    expect(expandPath("x", "models", homeOf)).toBe(resolve("models/x"));
  });
});

describe("the files of a model folder", () => {
  const TYPES: Record<string, ContentType> = {
    bin: "application/zip",
    pth: "application/zip",
    gguf: "application/octet-stream",
    json: "text/plain",
    jinja: "text/plain",
    model: "application/octet-stream",
  };
  const contentOf = (path: string): ContentType => TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "other";
  const select = (...paths: string[]): string[] => selectModelFiles(paths, contentOf);

  test("safetensors come first, with those one folder down", () => {
    expect(
      select(
        "1/2/model.safetensors",
        "1/model.safetensors",
        "a.gguf",
        "config.json",
        "model-1-of-2.safetensors",
        "x.txt",
      ),
    ).toEqual(["model-1-of-2.safetensors", "1/model.safetensors", "config.json"]);
  });

  test("then the other kinds, one of them", () => {
    expect(select("consolidated.safetensors", "x.gguf")).toEqual(["consolidated.safetensors"]);
    expect(select("pytorch_model.bin", "consolidated.00.pth", "x.gguf")).toEqual(["x.gguf"]);
    expect(select("mmproj.gguf", "x.gguf")).toEqual(["mmproj.gguf", "x.gguf"]);
  });

  test("settings, chat template and tokenizer belong to it", () => {
    expect(select("1_Pooling/config.json", "chat_template.jinja", "config.json", "tokenizer.model", "x.gguf")).toEqual([
      "x.gguf",
      "config.json",
      "1_Pooling/config.json",
      "chat_template.jinja",
      "tokenizer.model",
    ]);
  });

  test("weights that are only pointers to weights do not count", () => {
    const pointers = (): ContentType => "text/plain";
    expect(() => selectModelFiles(["x.gguf"], pointers)).toThrow("no Modelfile or safetensors files found");
    expect(() => select("config.json")).toThrow("no Modelfile or safetensors files found");
    expect(() => select()).toThrow("no Modelfile or safetensors files found");
  });

  test("pickles are refused by their names alone", () => {
    const neverAsked = (): ContentType => {
      throw new Error("a pickle was opened");
    };
    for (const name of ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth"]) {
      expect(() => selectModelFiles(["config.json", name], neverAsked)).toThrow(`${name} is a Python pickle`);
    }
  });

  test("settings that are not text are an error", () => {
    const binary = (): ContentType => "application/octet-stream";
    expect(() => selectModelFiles(["config.json", "x.gguf"], binary)).toThrow(
      "invalid content type: expected application/octet-stream for config.json",
    );
  });
});

test.each<[string, string, ContentType]>([
  ["a GGUF header", "GGUF\x03\x00\x00\x00", "application/octet-stream"],
  ["a zip file", "PK\x03\x04rest", "application/zip"],
  ["JSON", '{"a": 1}\n', "text/plain"],
  ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "text/plain"],
  ["an empty file", "", "text/plain"],
  ["HTML", "\n <!DOCTYPE HTML><p>", "other"],
  ["gzip", "\x1f\x8b\x08", "other"],
])("%s is told from its first bytes", (_what, text, wanted) => {
  expect(sniffContent(Buffer.from(text, "latin1"))).toBe(wanted);
});
