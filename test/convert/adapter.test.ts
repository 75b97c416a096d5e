// What adapters in safetensors are refused for, and how strong those become that are taken. Their effect is measured in
// test/e2e/adapter-import.heavy.test.ts.

import { expect, test } from "bun:test";
import { type AdapterBase, planAdapter } from "../../src/convert/adapter.ts";
import { bytesSource } from "../../src/formats/gguf/source.ts";
import recordedLogits from "../fixtures/convert/logits.json";
import { tinyAdapter } from "../support/tiny-adapter.ts";
import { type Files, json, safetensors, type TinyCheckpoint, type TinyTensor } from "../support/tiny-checkpoint.ts";

const LLAMA: AdapterBase = { architecture: "llama", heads: 4, kvHeads: 4 };
const checkpoint = recordedLogits.models.find(({ name }) => name === "llama-1") as unknown as TinyCheckpoint;
const PEFT = { peft_type: "LORA", r: 3, lora_alpha: 6 };
const Q = "base_model.model.model.layers.0.self_attn.q_proj";

const plan = (files: Files, base = LLAMA) =>
  planAdapter(new Map([...files].map(([name, bytes]) => [name, bytesSource(bytes)])), base);
const zeros = (...shape: number[]): TinyTensor => ({
  type: "F32",
  shape,
  data: new Uint8Array(4 * shape.reduce((product, length) => product * length, 1)),
});
const withConfig = (config: object): Files =>
  tinyAdapter(checkpoint, "peft").set("adapter_config.json", json({ ...PEFT, ...config }));
const withTensors = (tensors: Record<string, TinyTensor>): Files =>
  new Map([
    ["adapter_config.json", json(PEFT)],
    ["adapter_model.safetensors", safetensors(tensors)],
  ]);
const pair = (module: string): Record<string, TinyTensor> => ({
  [`${module}.lora_A.weight`]: zeros(3, 64),
  [`${module}.lora_B.weight`]: zeros(64, 3),
});

test.each<[string, Files, number]>([
  ["peft's alpha", withConfig({}), 6],
  ["rank-stabilized, alpha is multiplied by the rank's root", withConfig({ use_rslora: true }), 6 * Math.sqrt(3)],
  ["MLX's scale times the rank", tinyAdapter(checkpoint, "mlx"), 6],
  [
    "what older MLX multiplied its scale by",
    tinyAdapter(checkpoint, "mlx").set(
      "adapter_config.json",
      json({ lora_parameters: { rank: 3, alpha: 16, scale: 10 } }),
    ),
    160,
  ],
])("%s", (_, files, alpha) => {
  const { metadata, tensors } = plan(files);
  expect(metadata.get("adapter.lora.alpha")).toEqual({ type: "f32", value: alpha });
  expect(tensors).toHaveLength(2 * 2 * 7);
  expect(tensors[0]?.name).toMatch(/^blk\.0\.[a-z_]+\.weight\.lora_a$/);
});

test.each<[string, Files, string]>([
  ["DoRA", withConfig({ use_dora: true }), "use_dora is true"],
  ["whole weights", withConfig({ modules_to_save: ["lm_head"] }), "modules_to_save holds whole weights (lm_head)"],
  ["another method", withConfig({ peft_type: "IA3" }), "peft_type is IA3, only LORA"],
  ["biases", withConfig({ bias: "all" }), "bias is all"],
  ["strengths by module", withConfig({ alpha_pattern: { q_proj: 3 } }), "alpha_pattern"],
  ["another rank", withConfig({ r: 8 }), "its weights have rank 3, but adapter_config.json has r = 8"],
  [
    "full fine-tunes of MLX",
    withConfig({ fine_tune_type: "full", lora_parameters: { rank: 3, scale: 1 } }),
    "fine_tune_type is full",
  ],
  [
    "modules that the engine cannot adapt, by name",
    withTensors({ ...pair(Q), ...pair("base_model.model.lm_head"), ...pair(Q.replace("q_proj", "rotary")) }),
    "the adapter changes base_model.model.lm_head, self_attn.rotary; the engine can adapt self_attn.q_proj",
  ],
  [
    "half of a pair",
    withTensors({ [`${Q}.lora_A.weight`]: zeros(3, 64) }),
    "layer 0, self_attn.q_proj: lora_B is missing",
  ],
  [
    "halves that do not meet",
    withTensors({ ...pair(Q), [`${Q}.lora_B.weight`]: zeros(64, 4) }),
    "lora_A has rank 3 and lora_B has rank 4",
  ],
  [
    "a shape that is no matrix",
    withTensors({ ...pair(Q), [`${Q}.lora_B.weight`]: zeros(64) }),
    "has shape [64]; two lengths are expected",
  ],
  [
    "rows that do not belong to the heads",
    withTensors({ ...pair(Q), [`${Q}.lora_B.weight`]: zeros(63, 3) }),
    "63 rows do not belong to 4 heads",
  ],
  ["no config", new Map([["adapter_model.safetensors", safetensors(pair(Q))]]), "adapter_config.json is missing"],
])("%s is refused with the reason", (_, files, reason) => {
  expect(() => plan(files)).toThrow(reason);
});

test("another family of models is refused and those that work are named", () => {
  expect(() => plan(withConfig({}), { ...LLAMA, architecture: "phi3" })).toThrow(
    "adapters in safetensors can be used with llama, gemma2, gemma3; this model is a phi3",
  );
});

test("a damaged adapter is refused when its numbers are read", () => {
  const broken = zeros(3, 64);
  new DataView(broken.data.buffer).setFloat32(0, Number.NaN, true);
  const { tensors } = plan(withTensors({ ...pair(Q), [`${Q}.lora_A.weight`]: broken }));
  const data = tensors[0]?.data;
  expect(() => [...((typeof data === "function" ? data() : []) as Iterable<Uint8Array>)]).toThrow("NaN or infinity");
});
