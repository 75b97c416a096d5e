// LoRA adapters in safetensors, as peft and as MLX write them, → the layout of a GGUF adapter. Whatever would change the
// effect and that the engine cannot do is refused. Whether the shapes are those of the model's weights is judged on the
// GGUF (formats/gguf/adapter-fit.ts), as for adapters that come as one.

import { AppError } from "../base/errors.ts";
import type { GgufLayout, GgufWriteTensor } from "../formats/gguf/write.ts";
import { adapterScaling } from "./adapter-config.ts";
import { Checkpoint, type CheckpointFiles, type StoredTensor } from "./checkpoint.ts";
import { allFinite, FORMAT_IDS, isNumberFormat, widen } from "./numbers.ts";
import { float, text } from "./values.ts";

/** What an adapter's shapes and its order of rows depend on. */
export interface AdapterBase {
  readonly architecture: string;
  readonly heads: number;
  readonly kvHeads: number;
}

/** The families whose adapters can be read; true: rows of queries and keys are interleaved, as in the model itself. */
const FAMILIES: Readonly<Record<string, boolean>> = { llama: true, gemma2: false, gemma3: false };

const MODULES: Readonly<Record<string, string>> = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

const LAYER =
  /^(?:base_model\.model\.)?(?:model\.language_model\.|language_model\.model\.|model\.)layers\.(\d+)\.(.+)$/;
const HALF = /^(.*)\.(?:lora_([AB])(?:\.default)?\.weight|lora_([ab]))$/;
/** An adapter's tensor is read whole; the largest of any known model is a hundredth of this. */
const MAX_TENSOR_BYTES = 1024 ** 3;

interface Half {
  readonly tensor: StoredTensor;
  /** MLX keeps both halves the other way round. */
  readonly turned: boolean;
}

interface Pair {
  readonly module: string;
  readonly layer: string;
  a?: Half;
  b?: Half;
}

export function planAdapter(files: CheckpointFiles, base: AdapterBase): GgufLayout {
  const interleaves = FAMILIES[base.architecture];
  if (interleaves === undefined) {
    const known = Object.keys(FAMILIES).join(", ");
    throw new AppError(
      "unsupported",
      `adapters in safetensors can be used with ${known}; this model is a ${base.architecture}: convert the adapter to GGUF first`,
    );
  }
  const checkpoint = new Checkpoint(files);
  const scaling = adapterScaling(checkpoint);
  const pairs = pairsOf(checkpoint.tensors());
  const tensors: GgufWriteTensor[] = [];
  for (const [name, pair] of pairs) {
    const { a, b } = wholePair(name, pair);
    const [rank, inputs] = shapeOf(a);
    const [outputs, inner] = shapeOf(b);
    if (rank !== inner || rank === 0) {
      throw new AppError("invalid", `${name}: lora_A has rank ${rank} and lora_B has rank ${inner}`);
    }
    scaling.checkRank(name, rank);
    const heads = interleaves ? headsOf(pair.module, base) : 0;
    if (heads > 0 && outputs % (2 * heads) !== 0) {
      throw new AppError("invalid", `${name}: ${outputs} rows do not belong to ${heads} heads`);
    }
    const target = `blk.${pair.layer}.${MODULES[pair.module] ?? ""}.weight`;
    tensors.push(planned(`${target}.lora_a`, [inputs, rank], () => numbersOf(a)));
    tensors.push(planned(`${target}.lora_b`, [rank, outputs], () => interleaved(numbersOf(b), rank, heads)));
  }
  const metadata = new Map([
    ["general.architecture", text(base.architecture)],
    ["general.type", text("adapter")],
    ["adapter.type", text("lora")],
    ["adapter.lora.alpha", float(scaling.alpha)],
  ]);
  return { metadata, tensors };
}

function pairsOf(stored: ReadonlyMap<string, StoredTensor>): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  const unsupported = new Set<string>();
  for (const [name, tensor] of stored) {
    const [, place = name, upper, lower] = HALF.exec(name) ?? [];
    const half = upper ?? lower;
    const [, layer = "", module = ""] = LAYER.exec(place) ?? [];
    if (half === undefined || MODULES[module] === undefined) {
      unsupported.add(module === "" ? place : module);
      continue;
    }
    if (!isNumberFormat(tensor.type)) {
      throw new AppError("unsupported", `tensor "${name}" is ${tensor.type}; save the adapter in F32, F16 or BF16`);
    }
    const pair = pairs.get(`${layer}.${module}`) ?? { module, layer };
    pair[half.toLowerCase() === "a" ? "a" : "b"] = { tensor, turned: lower !== undefined };
    pairs.set(`${layer}.${module}`, pair);
  }
  if (unsupported.size > 0) {
    const names = [...unsupported].slice(0, 8).join(", ");
    const known = Object.keys(MODULES).join(", ");
    throw new AppError("unsupported", `the adapter changes ${names}; the engine can adapt ${known}`);
  }
  if (pairs.size === 0) throw new AppError("invalid", "the adapter holds no tensors");
  return new Map([...pairs.values()].map((pair) => [`layer ${pair.layer}, ${pair.module}`, pair]));
}

function wholePair(name: string, { a, b }: Pair): { a: Half; b: Half } {
  if (a === undefined || b === undefined) {
    throw new AppError("invalid", `${name}: ${a === undefined ? "lora_A" : "lora_B"} is missing`);
  }
  return { a, b };
}

/** Rows and columns, the way peft keeps them. */
function shapeOf({ tensor, turned }: Half): readonly [rows: number, columns: number] {
  const [rows = 0, columns = 0, ...more] = tensor.shape;
  if (tensor.shape.length !== 2 || more.length > 0 || rows * columns === 0) {
    throw new AppError(
      "invalid",
      `tensor "${tensor.name}" has shape [${tensor.shape.join(", ")}]; two lengths are expected`,
    );
  }
  if (rows * columns * 4 > MAX_TENSOR_BYTES) throw new AppError("invalid", `tensor "${tensor.name}" is too large`);
  return turned ? [columns, rows] : [rows, columns];
}

function headsOf(module: string, { heads, kvHeads }: AdapterBase): number {
  return module === "self_attn.q_proj" ? heads : module === "self_attn.k_proj" ? kvHeads : 0;
}

function planned(name: string, shape: readonly number[], values: () => Float32Array): GgufWriteTensor {
  const data = function* () {
    const numbers = values();
    yield new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  };
  return { name, type: FORMAT_IDS.F32, shape, data };
}

function numbersOf(half: Half): Float32Array {
  const { tensor, turned } = half;
  const bytes = new Uint8Array(tensor.byteSize);
  if (tensor.source.readAt(bytes, tensor.offset) < bytes.byteLength) {
    throw new AppError("invalid", `${tensor.file} became shorter while it was read`);
  }
  if (!isNumberFormat(tensor.type)) throw new AppError("internal", `tensor "${tensor.name}" was not judged`);
  if (!allFinite(bytes, tensor.type)) {
    throw new AppError("invalid", `tensor "${tensor.name}" holds NaN or infinity: the adapter is damaged`);
  }
  const values = widen(bytes, tensor.type);
  if (!turned) return values;
  const [rows, columns] = shapeOf(half);
  return values.map((_, at) => values[(at % columns) * rows + Math.floor(at / columns)] ?? 0);
}

/** Row 2i of a head from its first half, row 2i + 1 from its second: as the weights that it is added to (tensor-data.ts). */
function interleaved(values: Float32Array, columns: number, heads: number): Float32Array {
  if (heads === 0) return values;
  const headRows = values.length / columns / heads;
  const result = new Float32Array(values.length);
  for (let row = 0; row < values.length / columns; row++) {
    const inHead = row % headRows;
    const origin = row - inHead + (inHead % 2) * (headRows / 2) + Math.floor(inHead / 2);
    result.set(values.subarray(origin * columns, (origin + 1) * columns), row * columns);
  }
  return result;
}
