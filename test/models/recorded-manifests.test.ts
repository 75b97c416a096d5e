// What `create` notes beside the weights, as manifests of a real Ollama 0.33 have it: the order of the layers, where each
// came from, and the draft model in the config. They count for the digest, which is the id that `list` shows.

import { expect, test } from "bun:test";
import { layerKind } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { openModel, type OpenedModel } from "../../src/models/opened-model.ts";
import { showModel } from "../../src/models/show.ts";
import type { ModelStore } from "../../src/models/store.ts";
import { layoutBytes, tinyAdapterLayout, tinyGguf, tinyLayout, tinyProjectorLayout } from "../support/tiny-gguf.ts";
import { text } from "../support/tiny-vocabulary.ts";
import { create, tempStore, upload } from "./temp-store.ts";

function open(store: ModelStore, name: string): Promise<OpenedModel> {
  return openModel(store, ModelName.parse(name), name);
}

const layersOf = ({ stored }: OpenedModel): string[] =>
  stored.manifest.layers.map((layer) =>
    [layerKind(layer), ...(layer.from === undefined ? [] : [layer.from])].join(" "),
  );

test("a projector comes before the template, whatever the order of the files, and notes its file", async () => {
  await using temp = await tempStore();
  const projector = await upload(temp.store, layoutBytes(tinyProjectorLayout()));
  const files = { "projector.gguf": projector, "gemma3.gguf": await upload(temp.store, tinyGguf("gemma3")) };
  await create(temp.store, { model: "m", files });
  expect(layersOf(await open(temp.store, "m"))).toEqual(["model", "projector projector.gguf", "template", "params"]);
});

test("an adapter notes its file, and the model under it its name", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const adapters = { "adapter.gguf": await upload(store, layoutBytes(tinyAdapterLayout())) };
  const files = { "llama.gguf": await upload(store, tinyGguf("llama")) };
  await create(store, { model: "m", files, adapters });
  expect(layersOf(await open(store, "m"))).toEqual(["model", "template", "adapter adapter.gguf", "params"]);
  await create(store, { model: "n", from: "m", system: "s" });
  expect(layersOf(await open(store, "n"))).toEqual([
    "model m:latest",
    "template m:latest",
    "adapter m:latest",
    "system",
    "params",
  ]);
});

test("a draft model notes its file and stands in the config, also of what is made from that model", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  const files = { "llama.gguf": await upload(store, tinyGguf("llama")) };
  const draft_files = { "draft.gguf": await upload(store, tinyGguf("llama", 2)) };
  await create(store, { model: "m", files, draft_files });
  const made = await open(store, "m");
  expect(layersOf(made)).toEqual(["model", "template", "draft draft.gguf", "params"]);
  expect(await store.blobs.readText(made.stored.manifest.config.digest)).toBe(
    '{"model_format":"gguf","model_family":"llama","model_families":["llama"],"model_type":"110K","file_type":"F32",' +
      '"draft":{"model_format":"gguf","architecture":"llama"},"architecture":"amd64","os":"linux"}\n',
  );
  await create(store, { model: "n", from: "m" });
  expect((await open(store, "n")).config.draft).toEqual({ model_format: "gguf", architecture: "llama" });
});

test("an empty license and a renderer that nobody knows are shown as they are", async () => {
  await using temp = await tempStore();
  const files = { "llama.gguf": await upload(temp.store, tinyGguf("llama")) };
  await create(temp.store, { model: "m", files, license: [""], renderer: "nosuch", parser: "nosuch" });
  const shown = showModel(await open(temp.store, "m"), {}, undefined);
  expect(shown.modelfile).toEndWith(
    "RENDERER nosuch\nPARSER nosuch\nPARAMETER stop <|im_start|>\nPARAMETER stop <|im_end|>\nLICENSE \n",
  );
  expect(shown.capabilities).toEqual(["completion"]);
});

test("a chat template of the weights is shown, but is no TEMPLATE of the Modelfile, from which the model is made again", async () => {
  await using temp = await tempStore();
  const layout = tinyLayout("llama");
  layout.metadata.set("tokenizer.chat_template", text("{{ messages[0].content }}"));
  await create(temp.store, { model: "m", files: { "m.gguf": await upload(temp.store, layoutBytes(layout)) } });
  const shown = showModel(await open(temp.store, "m"), {}, undefined);
  expect(shown.template).toBe("{{ messages[0].content }}");
  expect(shown.modelfile).toContain("\nTEMPLATE {{ .Prompt }}\n");
});

test("numbers of single precision are told in as few digits as they need", async () => {
  await using temp = await tempStore();
  await create(temp.store, { model: "m", files: { "m.gguf": await upload(temp.store, tinyGguf("llama")) } });
  const { model_info } = showModel(await open(temp.store, "m"), {}, undefined);
  expect(model_info["llama.attention.layer_norm_rms_epsilon"]).toBe(1e-5);
});
