// LoRA adapters for tiny checkpoints, as peft and as MLX save them, and the same checkpoint with the product added to its
// weights: what an adapter must amount to.

import { seededRandom } from "./seeded-random.ts";
import {
  type Files,
  json,
  safetensors,
  tensorsOf,
  type TinyCheckpoint,
  type TinyTensor,
  tinyCheckpoint,
} from "./tiny-checkpoint.ts";

export type AdapterStyle = "peft" | "mlx";
export const RANK = 3;
const ALPHA = 6;
const STRENGTH = ALPHA / RANK;
const MODULES = /layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj)\.weight$/;

interface Pair {
  readonly module: string;
  readonly inputs: number;
  readonly outputs: number;
  /** [rank, inputs] and [outputs, rank]. */
  readonly a: Float32Array;
  readonly b: Float32Array;
}

function pairsFor({ tensors }: TinyCheckpoint): Pair[] {
  const random = seededRandom(5);
  return Object.entries(tensors)
    .filter(([name]) => MODULES.test(name))
    .map(([name, [outputs = 0, inputs = 0]]) => ({
      module: name.replace(/\.weight$/, ""),
      inputs,
      outputs,
      a: Float32Array.from({ length: RANK * inputs }, () => random.normal(0.1)),
      b: Float32Array.from({ length: outputs * RANK }, () => random.normal(0.1)),
    }));
}

const tensor = (values: Float32Array, shape: readonly number[]): TinyTensor => ({
  type: "F32",
  shape,
  data: new Uint8Array(values.buffer),
});

const turned = (values: Float32Array, rows: number, columns: number): Float32Array =>
  Float32Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)] ?? 0);

export function tinyAdapter(checkpoint: TinyCheckpoint, style: AdapterStyle): Files {
  const pairs = pairsFor(checkpoint);
  if (style === "peft") {
    const tensors = pairs.flatMap(({ module, inputs, outputs, a, b }): [string, TinyTensor][] => [
      [`base_model.model.${module}.lora_A.weight`, tensor(a, [RANK, inputs])],
      [`base_model.model.${module}.lora_B.weight`, tensor(b, [outputs, RANK])],
    ]);
    const config = { peft_type: "LORA", r: RANK, lora_alpha: ALPHA, bias: "none", use_dora: false };
    return new Map([
      ["adapter_config.json", json(config)],
      ["adapter_model.safetensors", safetensors(Object.fromEntries(tensors))],
    ]);
  }
  const tensors = pairs.flatMap(({ module, inputs, outputs, a, b }): [string, TinyTensor][] => [
    [`${module}.lora_a`, tensor(turned(a, RANK, inputs), [inputs, RANK])],
    [`${module}.lora_b`, tensor(turned(b, outputs, RANK), [RANK, outputs])],
  ]);
  const config = { fine_tune_type: "lora", num_layers: 2, lora_parameters: { rank: RANK, scale: STRENGTH } };
  return new Map([
    ["adapter_config.json", json(config)],
    ["adapters.safetensors", safetensors(Object.fromEntries(tensors))],
  ]);
}

/** The checkpoint with `scale × alpha / rank × B·A` added to every weight that the adapter changes. */
export function mergedCheckpoint(checkpoint: TinyCheckpoint, scale: number): Files {
  const files = tinyCheckpoint(checkpoint);
  const tensors = tensorsOf(checkpoint.tensors, checkpoint.normsLessOne);
  for (const { module, inputs, outputs, a, b } of pairsFor(checkpoint)) {
    const weights = new Float32Array((tensors[`${module}.weight`]?.data ?? new Uint8Array()).buffer);
    for (let row = 0; row < outputs; row++) {
      for (let column = 0; column < inputs; column++) {
        let product = 0;
        for (let r = 0; r < RANK; r++) product += (b[row * RANK + r] ?? 0) * (a[r * inputs + column] ?? 0);
        weights[row * inputs + column] = (weights[row * inputs + column] ?? 0) + scale * STRENGTH * product;
      }
    }
  }
  return files.set("model.safetensors", safetensors(tensors));
}
