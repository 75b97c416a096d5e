// How ggml stores numbers: the tensor types (elements and bytes of one block) and the file types that name a whole
// model's quantization. Ids are those of the pinned llama.cpp; file type names are what Ollama prints (fs/ggml/type.go).

import { AppError } from "../../base/errors.ts";

export interface TensorType {
  readonly id: number;
  readonly name: string;
  /** Elements in one block; a row must hold whole blocks. */
  readonly blockSize: number;
  readonly blockBytes: number;
}

type Row = readonly [id: number, name: string, blockSize: number, blockBytes: number];

const ROWS: readonly Row[] = [
  [0, "F32", 1, 4],
  [1, "F16", 1, 2],
  [2, "Q4_0", 32, 18],
  [3, "Q4_1", 32, 20],
  [6, "Q5_0", 32, 22],
  [7, "Q5_1", 32, 24],
  [8, "Q8_0", 32, 34],
  [9, "Q8_1", 32, 36],
  [10, "Q2_K", 256, 84],
  [11, "Q3_K", 256, 110],
  [12, "Q4_K", 256, 144],
  [13, "Q5_K", 256, 176],
  [14, "Q6_K", 256, 210],
  [15, "Q8_K", 256, 292],
  [16, "IQ2_XXS", 256, 66],
  [17, "IQ2_XS", 256, 74],
  [18, "IQ3_XXS", 256, 98],
  [19, "IQ1_S", 256, 50],
  [20, "IQ4_NL", 32, 18],
  [21, "IQ3_S", 256, 110],
  [22, "IQ2_S", 256, 82],
  [23, "IQ4_XS", 256, 136],
  [24, "I8", 1, 1],
  [25, "I16", 1, 2],
  [26, "I32", 1, 4],
  [27, "I64", 1, 8],
  [28, "F64", 1, 8],
  [29, "IQ1_M", 256, 56],
  [30, "BF16", 1, 2],
  [34, "TQ1_0", 256, 54],
  [35, "TQ2_0", 256, 66],
  [39, "MXFP4", 32, 17],
  [40, "NVFP4", 64, 36],
  [41, "Q1_0", 128, 18],
  [42, "Q2_0", 64, 18],
];

const TENSOR_TYPES: ReadonlyMap<number, TensorType> = new Map(
  ROWS.map(([id, name, blockSize, blockBytes]) => [id, { id, name, blockSize, blockBytes }]),
);

export function tensorType(id: number): TensorType | undefined {
  return TENSOR_TYPES.get(id);
}

export function tensorTypeNamed(name: string): TensorType | undefined {
  for (const type of TENSOR_TYPES.values()) if (type.name === name) return type;
  return undefined;
}

const FILE_TYPES: ReadonlyMap<number, string> = new Map([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [7, "Q8_0"],
  [8, "Q5_0"],
  [9, "Q5_1"],
  [10, "Q2_K"],
  [11, "Q3_K_S"],
  [12, "Q3_K_M"],
  [13, "Q3_K_L"],
  [14, "Q4_K_S"],
  [15, "Q4_K_M"],
  [16, "Q5_K_S"],
  [17, "Q5_K_M"],
  [18, "Q6_K"],
  [19, "IQ2_XXS"],
  [20, "IQ2_XS"],
  [21, "Q2_K_S"],
  [22, "IQ3_XS"],
  [23, "IQ3_XXS"],
  [24, "IQ1_S"],
  [25, "IQ4_NL"],
  [26, "IQ3_S"],
  [27, "IQ3_M"],
  [28, "IQ2_S"],
  [29, "IQ2_M"],
  [30, "IQ4_XS"],
  [31, "IQ1_M"],
  [32, "BF16"],
  [36, "TQ1_0"],
  [37, "TQ2_0"],
  [38, "MXFP4_MOE"],
  [39, "NVFP4"],
  [40, "Q1_0"],
  [41, "Q2_0"],
]);

export const UNKNOWN_FILE_TYPE = "unknown";

export function fileTypeName(id: number): string {
  return FILE_TYPES.get(id) ?? UNKNOWN_FILE_TYPE;
}

export function fileTypeNamed(name: string): number | undefined {
  for (const [id, known] of FILE_TYPES) if (known === name) return id;
  return undefined;
}

/** File types that can be made of any model. The others need an importance matrix, or are made by their own tools. */
const MAKEABLE =
  "F32 F16 BF16 Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S Q4_1 Q4_0 IQ4_NL IQ4_XS Q3_K_L Q3_K_M Q3_K_S IQ3_M IQ3_S Q2_K TQ1_0 TQ2_0".split(
    " ",
  );

/** Short names that llama.cpp's own tool takes. */
const SHORT: Readonly<Record<string, string>> = { Q3_K: "Q3_K_M", Q4_K: "Q4_K_M", Q5_K: "Q5_K_M" };

/** The file type that a `quantize` level asks for. Throws `invalid` with the list for one that is none. */
export function quantizeLevel(text: string): { readonly name: string; readonly id: number } {
  const upper = text.toUpperCase();
  const name = SHORT[upper] ?? upper;
  const id = MAKEABLE.includes(name) ? fileTypeNamed(name) : undefined;
  if (id === undefined) {
    throw new AppError(
      "invalid",
      `unsupported quantization type ${upper} - supported types are ${MAKEABLE.join(", ")}`,
    );
  }
  return { name, id };
}

const PLAIN = new Set(["F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"]);

/** True for a tensor whose numbers stand for themselves. */
export function isPlainType(type: TensorType): boolean {
  return PLAIN.has(type.name);
}
