// The tensor table of a GGUF: names, shapes, types and where the bytes lie. Sizes are computed here once, with every
// product checked, so that later code can add and compare them freely.

import type { GgufCursor } from "./cursor.ts";
import { invalid, quoteName, tooLarge } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import { tensorType, type TensorType } from "./quantization.ts";

export interface GgufTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Fastest-varying dimension first, as ggml counts. */
  readonly shape: readonly number[];
  /** From the start of the data section. */
  readonly offset: number;
  readonly elements: number;
  readonly byteSize: number;
}

export function readTensors(cursor: GgufCursor, count: number): GgufTensor[] {
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    cursor.reading = `tensor ${index}`;
    const tensor = readTensor(cursor);
    if (names.has(tensor.name)) throw invalid(`duplicate tensor ${quoteName(tensor.name)}`);
    names.add(tensor.name);
    tensors.push(tensor);
  }
  return tensors;
}

/** Elements of all tensors (Ollama: fs/ggml/gguf.go patches general.parameter_count with it). */
export function parameterCount(tensors: readonly GgufTensor[]): number {
  let total = 0;
  for (const tensor of tensors) total += tensor.elements;
  if (!Number.isSafeInteger(total)) throw invalid("parameter count overflow");
  return total;
}

export function tensorByteSize(name: string, type: TensorType, shape: readonly number[]): number {
  const elements = tensorElements(name, shape);
  if ((shape[0] ?? 1) % type.blockSize !== 0) {
    throw invalid(
      `tensor ${quoteName(name)} of type ${type.name} has ${shape[0]} elements per row, not a multiple of ${type.blockSize}`,
    );
  }
  const byteSize = (elements / type.blockSize) * type.blockBytes;
  if (!Number.isSafeInteger(byteSize)) throw invalid(`tensor ${quoteName(name)} size overflow`);
  return byteSize;
}

function readTensor(cursor: GgufCursor): GgufTensor {
  const name = readName(cursor);
  const dimensions = cursor.u32();
  if (dimensions > LIMITS.tensorDimensions) {
    throw invalid(`tensor ${quoteName(name)} dimensions ${dimensions} exceeds maximum ${LIMITS.tensorDimensions}`);
  }
  const shape: number[] = [];
  for (let index = 0; index < dimensions; index++) shape.push(cursor.u64());
  const typeId = cursor.u32();
  const type = tensorType(typeId);
  const offset = cursor.u64();
  if (type === undefined) throw invalid(`tensor ${quoteName(name)} has unknown type ${typeId}`);
  if (!Number.isSafeInteger(offset)) throw invalid(`tensor ${quoteName(name)} offset+size overflows`);
  const byteSize = tensorByteSize(name, type, shape);
  return { name, type, shape, offset, elements: tensorElements(name, shape), byteSize };
}

function readName(cursor: GgufCursor): string {
  const byteLength = cursor.u64();
  if (byteLength === 0) throw invalid("GGUF has a tensor without a name");
  if (byteLength > LIMITS.tensorNameBytes) {
    throw tooLarge("tensor name length", byteLength, LIMITS.tensorNameBytes);
  }
  return cursor.text(byteLength);
}

function tensorElements(name: string, shape: readonly number[]): number {
  let elements = 1;
  for (const length of shape) {
    // No architecture has an empty tensor, and code behind a loader divides by dimensions.
    if (length === 0) throw invalid(`tensor ${quoteName(name)} has an empty dimension`);
    elements *= length;
    if (!Number.isSafeInteger(elements)) throw invalid(`tensor ${quoteName(name)} elements overflow`);
  }
  return elements;
}
