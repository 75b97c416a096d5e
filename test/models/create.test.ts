// `create`: what it makes of GGUFs and of other models, and that what is refused leaves no model behind.

import { describe, expect, test } from "bun:test";
import type { Digest } from "../../src/base/digest.ts";
import { openModel } from "../../src/models/opened-model.ts";
import { ModelName } from "../../src/models/name.ts";
import { layerKind } from "../../src/models/manifest.ts";
import { showModel } from "../../src/models/show.ts";
import type { ModelStore } from "../../src/models/store.ts";
import type { CreateRequest } from "../../src/api/schema/models.ts";
import { layoutBytes, tinyAdapterLayout, tinyGguf, tinyLayout, TINY_MODELS } from "../support/tiny-gguf.ts";
import { text, uint } from "../support/tiny-vocabulary.ts";
import { rejection } from "../support/rejection.ts";
import { create, tempStore, upload } from "./temp-store.ts";

async function createFrom(store: ModelStore, bytes: Uint8Array, more: CreateRequest = {}): Promise<string[]> {
  return create(store, { model: "m", files: { "model.gguf": await upload(store, bytes) }, ...more });
}

async function open(store: ModelStore, name = "m") {
  return openModel(store, ModelName.parse(name), name);
}

test("a GGUF becomes a model, told step by step as Ollama tells it (spec 2.59)", async () => {
  await using temp = await tempStore();
  const bytes = tinyGguf("llama");
  const lines = await createFrom(temp.store, bytes);
  const digest = await upload(temp.store, bytes);
  expect(lines[0]).toBe("parsing GGUF");
  expect(lines.slice(-2)).toEqual(["writing manifest", "success"]);
  expect(lines).toContain(`using existing layer ${digest}`);
  const model = await open(temp.store);
  expect(model.config).toMatchObject({ model_format: "gguf", model_family: "llama", model_families: ["llama"] });
  expect(model.facts().contextLength).toBe(2048);
});

test.each(TINY_MODELS)("a tiny %s can be created and shown", async (kind) => {
  await using temp = await tempStore();
  await createFrom(temp.store, tinyGguf(kind));
  const shown = showModel(await open(temp.store), {}, undefined);
  const architecture = kind === "reranker" ? "bert" : kind;
  expect(shown.details.family).toBe(architecture);
  expect(shown.model_info["general.architecture"]).toBe(architecture);
  expect(shown.capabilities).toContain(architecture === "bert" ? "embedding" : "completion");
});

test.each([
  ["a template that cannot be parsed", { system: "S", template: "{{ if }}" }],
  ["a license that is no text", { system: "S", license: [1] }],
  ["an info field of the wrong type", { system: "S", info: { context_length: "long" } }],
] as [string, CreateRequest][])("%s leaves no blob behind but the uploaded one", async (_, request) => {
  await using temp = await tempStore();
  expect((await rejection(createFrom(temp.store, tinyGguf("llama"), request))).message).not.toBe("");
  const { digests, others } = await temp.store.blobs.list();
  expect([digests.length, others]).toEqual([1, []]);
});

test("parameters that were merged into others leave no blob of their own", async () => {
  await using temp = await tempStore();
  const parts = tinyLayout("llama");
  const zephyr =
    "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}";
  parts.metadata.set("tokenizer.chat_template", text(zephyr));
  const lines = await createFrom(temp.store, layoutBytes(parts), { parameters: { temperature: 0.5 } });
  expect(lines.join("\n")).toContain("autodetected template");
  const used = await temp.store.usedDigests();
  const { digests } = await temp.store.blobs.list();
  expect(digests.filter((digest) => used?.has(digest) !== true)).toEqual([]);
});

test("a model deleted while another is made from it costs neither of them blobs that are still named", async () => {
  for (let round = 0; round < 10; round++) {
    await using temp = await tempStore();
    const { store } = temp;
    await createFrom(store, tinyGguf("llama"), { system: "S" });
    const source = await store.find(ModelName.parse("m"));
    if (source === undefined) throw new Error("the source is there");
    const making = create(store, { model: "copy", from: "m", system: `other ${round}` }).then(
      () => "made",
      () => "refused",
    );
    for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
    await store.remove(source);
    const outcome = await making;
    const copy = await store.find(ModelName.parse("copy"));
    expect(copy !== undefined).toBe(outcome === "made");
    for (const { digest } of copy === undefined ? [] : [copy.manifest.config, ...copy.manifest.layers]) {
      expect(await store.blobs.has(digest)).toBe(true);
    }
  }
});

describe("bad files leave no model behind", () => {
  const llama = tinyGguf("llama");
  const patched = (at: number, value: number): Uint8Array => {
    const bytes = llama.slice();
    new DataView(bytes.buffer).setUint32(at, value, true);
    return bytes;
  };
  const foreign = tinyLayout("llama");
  foreign.metadata.set("general.architecture", text("quantumnet"));
  const cases: [string, Uint8Array, RegExp][] = [
    ["cut in the header", llama.slice(0, 20), /./],
    ["cut in the metadata", llama.slice(0, 1000), /./],
    ["cut in the tensors", llama.slice(0, llama.length - 100), /./],
    ["of an unknown version", patched(4, 99), /version/i],
    ["of an unknown architecture", layoutBytes(foreign), /quantumnet/],
    ["not a GGUF", new TextEncoder().encode("hello, I am a text file"), /GGUF/i],
    ["empty", new Uint8Array(0), /./],
  ];
  test.each(cases)("%s", async (_, bytes, reason) => {
    await using temp = await tempStore();
    const problem = await createFrom(temp.store, bytes).then(
      () => "it was taken",
      (error: Error) => error.message,
    );
    expect(problem).toMatch(reason);
    expect(problem).not.toBe("it was taken");
    expect(problem.length).toBeGreaterThan(8);
    expect(await temp.store.list()).toEqual([]);
  });
});

describe("bad requests are refused in Ollama's words (spec 2.58)", () => {
  const cases: [string, CreateRequest, string][] = [
    ["no source", { model: "m" }, "neither 'from' or 'files' was specified"],
    ["a bad name", { model: "-m", files: {} }, "invalid model name"],
    ["no name", { files: {} }, "invalid model name"],
    ["no files", { model: "m", files: {} }, "no files provided to convert"],
    ["a path that leaves", { model: "m", files: { "../x": `sha256:${"a".repeat(64)}` } }, "file path must be relative"],
    ["an absolute path", { model: "m", files: { "/x": `sha256:${"a".repeat(64)}` } }, "file path must be relative"],
    ["an empty digest", { model: "m", files: { x: "" } }, "invalid digest format"],
    ["a broken digest", { model: "m", files: { x: "sha256:12" } }, "invalid digest format"],
    ["an unknown model", { model: "m", from: "nothing" }, "pull model manifest: file does not exist"],
  ];
  test.each(cases)("%s", async (_, request, message) => {
    await using temp = await tempStore();
    expect(await create(temp.store, request).catch((error: Error) => error.message)).toBe(message);
    expect(await temp.store.list()).toEqual([]);
  });

  const withModel: [string, CreateRequest, RegExp][] = [
    ["a template that does not parse", { template: "{{ .Prompt" }, /^template error: /],
    ["a license that is a number", { license: 5 }, /license/],
    ["info of the wrong kind", { info: { context_length: "long" } }, /info field "context_length" must be a number/],
    ["an unknown quantization", { quantize: "q9" }, /unsupported quantization type Q9 - supported types are F32, F16/],
    ["a strength for no adapter", { adapter_scales: { b: 2 } }, /adapter_scales names "b", which is no adapter/],
  ];
  test.each(withModel)("%s", async (_, request, message) => {
    await using temp = await tempStore();
    const problem = await createFrom(temp.store, tinyGguf("llama"), request).catch((error: Error) => error.message);
    expect(problem).toMatch(message);
    expect(await temp.store.list()).toEqual([]);
  });
});

describe("from another model", () => {
  const BASE: CreateRequest = {
    template: "A {{ .Prompt }}",
    system: "be brief",
    license: "MIT",
    parameters: { temperature: 0.5, stop: ["x"] },
    messages: [{ role: "user", content: "hi" }],
  };

  test("everything is inherited, and the request wins (spec 2.60)", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    await createFrom(store, tinyGguf("llama"), { ...BASE, model: "base" });
    await create(store, {
      model: "child",
      from: "BASE",
      system: "be long",
      license: ["Apache"],
      parameters: { temperature: 1 },
    });
    const child = await open(store, "child");
    expect(child.template).toBe("A {{ .Prompt }}");
    expect(child.system).toBe("be long");
    expect(child.licenses).toEqual(["MIT", "Apache"]);
    expect(child.params).toEqual({ temperature: 1, stop: ["x"] });
    expect(child.messages).toEqual([{ role: "user", content: "hi" }]);
    expect(child.parentModel).toBe("base:latest");
    expect(child.weightsPath).toBe((await open(store, "base")).weightsPath ?? "");
  });

  test("a model can be changed in place, and what it alone used is removed", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    await createFrom(store, tinyGguf("llama"), BASE);
    const old = (await open(store)).stored.manifest.layers.find((layer) => layerKind(layer) === "system")?.digest;
    await create(store, { model: "m", from: "m", system: "new" });
    expect((await open(store)).system).toBe("new");
    expect(old === undefined || (await store.blobs.has(old))).toBe(false);
  });

  test("a failed change keeps the model as it was", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    await createFrom(store, tinyGguf("llama"), BASE);
    const before = (await open(store)).stored.digest;
    await create(store, { model: "m", from: "m", template: "{{ bad" }).catch(() => {});
    const after = await open(store);
    expect(after.stored.digest).toBe(before);
    expect(after.system).toBe("be brief");
  });

  test("an adapter joins the weights; weights given as adapter are refused", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    await createFrom(store, tinyGguf("llama"));
    const adapter = await upload(store, layoutBytes(tinyAdapterLayout()));
    await create(store, { model: "tuned", from: "m", adapters: { "a.gguf": adapter } });
    expect((await open(store, "tuned")).adapters).toEqual([{ path: store.blobs.path(adapter), scale: 1 }]);
    const weights = await upload(store, tinyGguf("llama", 9));
    const problem = await create(store, { model: "x", from: "m", adapters: { a: weights } }).catch(
      (e: Error) => e.message,
    );
    expect(problem).toContain("not an adapter");
  });
});

test("a safetensors draft model is refused with the way to one that works", async () => {
  await using temp = await tempStore();
  const digest = await upload(temp.store, "safetensors");
  const draft_files = { "model.safetensors": digest };
  const { message } = await rejection(createFrom(temp.store, tinyGguf("llama"), { draft_files }));
  expect(message).toContain("must be a GGUF file, not safetensors; 'ollama create' converts it");
});

test("show leaves long arrays out unless asked, computes the parameter count, hides two keys (spec 2.51, 2.52)", async () => {
  await using temp = await tempStore();
  await createFrom(temp.store, tinyGguf("llama"), { system: "s", parameters: { stop: ["a", "b"], temperature: 0.1 } });
  const model = await open(temp.store);
  const brief = showModel(model, {}, undefined);
  expect(brief.model_info["tokenizer.ggml.tokens"]).toBeNull();
  expect(brief.model_info["general.name"]).toBeUndefined();
  expect(brief.model_info["tokenizer.chat_template"]).toBeUndefined();
  expect(brief.model_info["general.parameter_count"]).toBeGreaterThan(100_000);
  expect(brief.tensors?.find(({ name }) => name === "token_embd.weight")).toMatchObject({ type: "F32" });
  expect(brief.parameters).toBe(`${"stop".padEnd(30)} "a"\n${"stop".padEnd(30)} "b"\n${"temperature".padEnd(30)} 0.1`);
  expect(brief.modelfile).toContain(`FROM ${model.weightsPath ?? ""}`);
  const verbose = showModel(model, { verbose: true, system: "other" }, undefined);
  expect(Array.isArray(verbose.model_info["tokenizer.ggml.tokens"])).toBe(true);
  expect(verbose.system).toBe("other");
});

test("a model whose weights are gone says so when they are needed", async () => {
  await using temp = await tempStore();
  await createFrom(temp.store, tinyGguf("llama", 77));
  const model = await open(temp.store);
  await Bun.file(model.weightsPath ?? "").delete();
  expect(() => model.facts()).toThrow("weights are missing");
});

test("numbers beyond 32 bits in the metadata do not break show", async () => {
  await using temp = await tempStore();
  const layout = tinyLayout("llama");
  layout.metadata.set("own.big", { type: "u64", value: 2n ** 60n });
  layout.metadata.set("own.small", uint(5));
  await createFrom(temp.store, layoutBytes(layout));
  const { model_info } = showModel(await open(temp.store), {}, undefined);
  expect([model_info["own.big"], model_info["own.small"]]).toEqual([2 ** 60, 5]);
});

describe("a model that an engine elsewhere serves", () => {
  const refusals: [string, Record<string, unknown>, string][] = [
    ["no name there", { remote_host: "https://x/v1" }, "needs the name it has there"],
    ["no host", { remote_model: "big" }, "remote_model needs a remote_host"],
    ["a secret in the address", { from: "big", remote_host: "https://u:p@x" }, "keys are set with"],
    ["weights", { from: "big", remote_host: "https://x", files: { a: "b" } }, "no weights here"],
    ["a quantization", { from: "big", remote_host: "https://x", quantize: "q4_0" }, "no weights here"],
  ];
  test.each(refusals)("%s is refused", async (_, fields, message) => {
    await using temp = await tempStore();
    expect(create(temp.store, { model: "m", ...fields })).rejects.toThrow(message);
  });

  test("keeps its address when another model is made from it", async () => {
    await using temp = await tempStore();
    await create(temp.store, { model: "m", from: "org/big", remote_host: "https://x/v1,https://y/v1" });
    await create(temp.store, { model: "n", from: "m", system: "S." });
    const stored = await temp.store.find(ModelName.parse("n"));
    const config = JSON.parse(await temp.store.blobs.readText(stored?.manifest.config.digest as Digest)) as unknown;
    expect(config).toMatchObject({ remote_host: "https://x/v1,https://y/v1", remote_model: "org/big" });
  });
});
