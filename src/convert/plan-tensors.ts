// Which stored tensor becomes which tensor of the GGUF. Every tensor must have a place, every place its tensor, and every
// shape must be what config.json promises: anything else would fail late, in native code, or answer nonsense.

import { AppError } from "../base/errors.ts";
import type { StoredTensor } from "./checkpoint.ts";
import type { Family, Sizes, TensorRule } from "./family.ts";
import { isNumberFormat, type NumberFormat } from "./numbers.ts";

export interface PlannedTensor {
  readonly to: string;
  readonly source: StoredTensor;
  readonly from: NumberFormat;
  readonly format: NumberFormat;
  /** How many heads' rows are interleaved; 0 for none. */
  readonly interleavedHeads: number;
  readonly plusOne: boolean;
}

/** What matrices are stored as: "source" keeps 16-bit formats and makes F16 of F32, as Ollama does (convert/reader.go). */
export type MatrixFormat = NumberFormat | "source";

export function planTensors(
  family: Family,
  sizes: Sizes,
  stored: ReadonlyMap<string, StoredTensor>,
  matrices: MatrixFormat,
): PlannedTensor[] {
  const byName = new Map<string, StoredTensor>();
  for (const [name, tensor] of stored) {
    const bare = withoutPrefix(name, family.prefixes ?? []);
    if (!(family.ignored ?? []).some((pattern) => pattern.test(bare))) byName.set(bare, tensor);
  }
  const planned: PlannedTensor[] = [];
  for (const [rule, layer] of rulesByLayer(family, sizes.layers)) {
    const name = rule.from.replace("{}", String(layer));
    const tensor = byName.get(name);
    byName.delete(name);
    if (tensor !== undefined) planned.push(planTensor(rule, layer, tensor, sizes, matrices));
    else if (rule.optional !== true) throw new AppError("invalid", `the weights lack tensor "${name}"`);
  }
  for (const [name, tensor] of byName) throw withoutPlace(name, tensor, family, sizes);
  return planned;
}

function withoutPrefix(name: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((each) => name.startsWith(each));
  if (prefix === undefined) return name;
  const bare = name.slice(prefix.length);
  // "model.language_model.layers.0" and "language_model.model.layers.0" both stand for "model.layers.0".
  return prefix.includes("model.") && !/^(?:model|lm_head)\./.test(bare) ? `model.${bare}` : bare;
}

function rulesByLayer({ tensors }: Family, layers: number): [TensorRule, number][] {
  const ofModel = tensors.filter(({ from }) => !from.includes("{}")).map((rule): [TensorRule, number] => [rule, 0]);
  const ofLayer = tensors.filter(({ from }) => from.includes("{}"));
  const inLayers = Array.from({ length: layers }, (_, layer) =>
    ofLayer.map((rule): [TensorRule, number] => [rule, layer]),
  );
  return [...ofModel, ...inLayers.flat()];
}

function planTensor(
  rule: TensorRule,
  layer: number,
  source: StoredTensor,
  sizes: Sizes,
  matrices: MatrixFormat,
): PlannedTensor {
  const { name, type, shape } = source;
  const expected = rule.shape.map((dimension) => dimension(sizes));
  if (expected.length !== shape.length || expected.some((length, i) => length !== shape[i])) {
    throw new AppError(
      "invalid",
      `tensor "${name}" has shape [${shape.join(", ")}], but config.json makes it [${expected.join(", ")}]`,
    );
  }
  if (!isNumberFormat(type)) throw quantizedAlready(name, type);
  const wide = shape.length === 1 || rule.exact === true;
  const heads = rule.shape[0]?.(sizes) === sizes.kvHeads * sizes.headSize ? sizes.kvHeads : sizes.heads;
  return {
    to: rule.to.replace("{}", String(layer)),
    source,
    from: type,
    format: wide ? "F32" : matrices === "source" ? keptFormat(type) : matrices,
    interleavedHeads: rule.interleave === true ? heads : 0,
    plusOne: rule.plusOne === true,
  };
}

function keptFormat(type: NumberFormat): NumberFormat {
  return type === "BF16" ? "BF16" : "F16";
}

function withoutPlace(name: string, tensor: StoredTensor, family: Family, sizes: Sizes): AppError {
  if (!isNumberFormat(tensor.type) || /\.(?:qweight|qzeros|scales|g_idx|absmax|weight_scale(?:_inv)?)$/.test(name)) {
    return quantizedAlready(name, tensor.type);
  }
  const layer = Number(/\.layers?\.(\d+)\./.exec(name)?.[1] ?? -1);
  if (layer >= sizes.layers) {
    return new AppError("invalid", `tensor "${name}" is of layer ${layer}, but config.json has ${sizes.layers} layers`);
  }
  return new AppError("unsupported", `tensor "${name}" has no place in the architecture ${family.architecture}`);
}

function quantizedAlready(name: string, type: string): AppError {
  return new AppError(
    "unsupported",
    `tensor "${name}" (${type}) is quantized already (GPTQ, AWQ, bitsandbytes, FP8…): import the original model in F16, BF16 or F32, and quantize it with --quantize`,
  );
}
