// GGUF files by their address, and Hugging Face pages as names.

import { expect, test } from "bun:test";
import { digestOf } from "../../src/base/digest.ts";
import { ModelName } from "../../src/models/name.ts";
import { nameOfGgufUrl, parseGgufUrl } from "../../src/registry/gguf-url.ts";
import { huggingFaceName } from "../../src/registry/hugging-face.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { messageOf, pulling } from "./pulling.ts";
import { standIn } from "./stand-in.ts";

test.each([
  ["https://huggingface.co/bart/Llama-3.2-1B-GGUF", "hf.co/bart/Llama-3.2-1B-GGUF:latest"],
  ["https://hf.co/bart/x-GGUF/", "hf.co/bart/x-GGUF:latest"],
  ["https://huggingface.co/bart/x/resolve/main/x-Q4_K_M.gguf?download=true", "hf.co/bart/x:x-Q4_K_M.gguf"],
  ["https://huggingface.co/bart/x/blob/main/x-Q4_K_M.gguf", "hf.co/bart/x:x-Q4_K_M.gguf"],
  ["https://huggingface.co/bart/x/tree/main", "hf.co/bart/x:latest"],
  ["https://huggingface.co/bart/x/resolve/dev/x.gguf", undefined],
  ["https://evil.test/huggingface.co/a/b", undefined],
])("%s is the name %p", (text, want) => expect(huggingFaceName(text)?.full).toBe(want));

test.each([
  "hf.co/bart/x-GGUF:Q4_K_M",
  "huggingface.co/bart/x:Q8_0",
  "modelscope.cn/qwen/x-GGUF:Q4_K_M",
  "reg.test:5000/a/b:c",
])("%s is an ordinary name", async (text) => {
  await using here = await pulling();
  const target = here.registry.parseTarget(text);
  expect(target instanceof ModelName ? target.full : "").toBe(text);
});

test.each([
  ["hf.co/bart/x-GGUF:Q4_K_M", "https://hf.co/v2/bart/x-GGUF/manifests/Q4_K_M"],
  ["https://huggingface.co/bart/x/blob/main/x-Q4_K_M.gguf", "https://hf.co/v2/bart/x/manifests/x-Q4_K_M.gguf"],
  ["modelscope.cn/qwen/x-GGUF:Q4_K_M", "https://modelscope.cn/v2/qwen/x-GGUF/manifests/Q4_K_M"],
  ["reg.test:5000/a/b:c", "https://reg.test:5000/v2/a/b/manifests/c"],
  ["llama3.2", "https://registry.ollama.ai/v2/library/llama3.2/manifests/latest"],
])("%s is asked for at %s", async (text, want) => {
  await using here = await pulling();
  const target = here.registry.parseTarget(text);
  if (!(target instanceof ModelName)) throw new Error("a name was expected");
  const [client] = here.registry.clientsFor(target, false);
  expect(client?.url(`manifests/${target.tag}`).href).toBe(want);
});

test("a file's name here tells where it came from", () => {
  const named = (text: string) => nameOfGgufUrl(parseGgufUrl(text) ?? new URL("https://none.test")).full;
  expect(named("https://host.test/dir/tiny-q4.gguf")).toBe("host.test/dir/tiny-q4:latest");
  expect(named("https://host.test:8443/Tiny%20Model.GGUF?x=1#y")).toBe("host.test:8443/library/Tiny-Model:latest");
  expect(named("https://host.test/a.b/..%2f..%2fx.gguf")).toBe("host.test/a-b/x:latest");
});

test("a GGUF by its address becomes a model", async () => {
  using server = standIn();
  await using here = await pulling();
  const file = tinyGguf("llama");
  server.fault = (request) =>
    request.method === "HEAD"
      ? new Response(null, { headers: { "content-length": String(file.length) } })
      : new Response(file);
  const lines = await here.pull(`${server.origin}/files/tiny.gguf`);
  expect(lines.at(-1)?.status).toBe("success");
  const model = await here.store.find(ModelName.parse(`${server.host}/files/tiny`));
  expect(model?.manifest.layers[0]?.digest).toBe(digestOf(file));
});

test("what is no GGUF is refused and makes no model", async () => {
  using server = standIn();
  await using here = await pulling();
  server.fault = () => new Response("hello");
  expect(await messageOf(here.pull(`${server.origin}/files/tiny.gguf`))).not.toBe("no error");
  expect(await here.store.list()).toEqual([]);
});

test("plain http and private addresses need insecure, and passwords are refused", async () => {
  await using here = await pulling();
  expect(await messageOf(here.pull("http://files.test/tiny.gguf", false))).toBe("insecure protocol http");
  expect(await messageOf(here.pull("https://127.0.0.1:9/tiny.gguf", false))).toMatch(/is on a private address/);
  expect(await messageOf(here.pull("https://me:secret@files.test/tiny.gguf"))).toBe(
    "an address must not hold a password",
  );
});
