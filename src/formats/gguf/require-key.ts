// Typed look-ups for validation. llama.cpp accepts exactly one type a key and refuses or aborts on any other,
// so a wrong type is refused here in its words (src/llama-model-loader.cpp).

import { invalid } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import type { GgufArray, GgufMetadata } from "./metadata.ts";
import type { GgufElementType, GgufValueType } from "./value-type.ts";

export function optionalUint(metadata: GgufMetadata, key: string): number | undefined {
  return expectType(metadata, key, "u32") ? metadata.uint(key) : undefined;
}

export function requiredUint(metadata: GgufMetadata, key: string): number {
  const value = optionalUint(metadata, key);
  if (value === undefined) throw missing(key);
  return value;
}

export function optionalText(metadata: GgufMetadata, key: string): string | undefined {
  return expectType(metadata, key, "str") ? metadata.text(key) : undefined;
}

export function optionalFloat(metadata: GgufMetadata, key: string): number | undefined {
  return expectType(metadata, key, "f32") ? metadata.number(key) : undefined;
}

export function optionalArray(
  metadata: GgufMetadata,
  key: string,
  elementTypes: readonly GgufElementType[],
): GgufArray | undefined {
  if (!expectType(metadata, key, "arr")) return undefined;
  const array = metadata.array(key);
  if (array !== undefined && !elementTypes.includes(array.elementType)) {
    throw invalid(`${key} has wrong array element type ${array.elementType}`);
  }
  return array;
}

/** One u32 for all layers, or an array with one whole number for each. */
export function optionalPerLayer(metadata: GgufMetadata, key: string, layers: number): number[] | undefined {
  if (metadata.type(key) !== "arr") {
    const value = optionalUint(metadata, key);
    return value === undefined ? undefined : Array.from({ length: layers }, () => value);
  }
  const array = optionalArray(metadata, key, ["u32", "i32", "bool"]);
  if (array === undefined) return undefined;
  if (array.count !== layers || array.count > LIMITS.layers) {
    throw invalid(`key ${key} has wrong array length; expected ${layers}, got ${array.count}`);
  }
  const values = Array.from(metadata.values(array), Number);
  if (values.some((value) => value < 0)) throw invalid(`key ${key} has a negative value`);
  return values;
}

export function missing(key: string): Error {
  return invalid(`key not found in model: ${key}`);
}

function expectType(metadata: GgufMetadata, key: string, expected: GgufValueType): boolean {
  const type = metadata.type(key);
  if (type === undefined) return false;
  if (type !== expected) throw invalid(`key ${key} has wrong type ${type} but expected type ${expected}`);
  return true;
}
