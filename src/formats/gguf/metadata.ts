// The key-value pairs of a GGUF. Arrays and long strings stay where they are in the file and are read when asked for,
// so a vocabulary of a quarter million tokens costs nothing until someone wants it.

import { GgufCursor } from "./cursor.ts";
import type { GgufSource } from "./source.ts";
import { isIntegerType, type GgufElementType, type GgufValueType } from "./value-type.ts";

export type GgufScalar = number | bigint | boolean | string;

/** An array that has not been read: what it holds and where it lies. */
export interface GgufArray {
  readonly elementType: GgufElementType;
  readonly count: number;
  readonly offset: number;
  readonly byteLength: number;
}

export type GgufValue = GgufScalar | GgufArray;

export interface GgufEntry {
  readonly type: GgufValueType;
  readonly value: GgufValue;
}

const MAX_LAYER_VALUES = 1024;

export class GgufMetadata {
  readonly entries: ReadonlyMap<string, GgufEntry>;
  readonly #source: GgufSource;

  constructor(entries: ReadonlyMap<string, GgufEntry>, source: GgufSource) {
    this.entries = entries;
    this.#source = source;
  }

  /** "unknown" when absent (Ollama: fs/ggml/ggml.go, KV.Architecture). */
  get architecture(): string {
    return this.text("general.architecture") ?? "unknown";
  }

  /** The key an architecture keeps under its own name: "block_count" → "llama.block_count". */
  architectureKey(name: string): string {
    return `${this.architecture}.${name}`;
  }

  type(key: string): GgufValueType | undefined {
    return this.entries.get(key)?.type;
  }

  text(key: string): string | undefined {
    const value = this.entries.get(key)?.value;
    return typeof value === "string" ? value : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.entries.get(key)?.value;
    return typeof value === "boolean" ? value : undefined;
  }

  number(key: string): number | undefined {
    const value = this.entries.get(key)?.value;
    return typeof value === "number" ? value : undefined;
  }

  /** A whole number that is not negative, of any integer type. */
  uint(key: string): number | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || !isIntegerType(entry.type)) return undefined;
    return typeof entry.value === "number" && entry.value >= 0 ? entry.value : undefined;
  }

  array(key: string): GgufArray | undefined {
    const value = this.entries.get(key)?.value;
    return typeof value === "object" ? value : undefined;
  }

  /** What is written either once for all layers or as one number or flag a layer; flags read as 0 and 1. */
  perLayer(key: string, layers: number): number[] | undefined {
    const array = this.array(key);
    if (array === undefined) {
      const value = this.number(key);
      return value === undefined ? undefined : Array.from({ length: Math.min(layers, MAX_LAYER_VALUES) }, () => value);
    }
    if (array.elementType === "str" || array.count > MAX_LAYER_VALUES) return undefined;
    return Array.from(this.values(array), Number);
  }

  *values(array: GgufArray): Generator<GgufScalar, void> {
    const cursor = this.cursor(array);
    for (let index = 0; index < array.count; index++) {
      if (array.elementType === "str") yield cursor.text(cursor.u64());
      else yield cursor.fixed(array.elementType);
    }
  }

  cursor(array: GgufArray): GgufCursor {
    const cursor = new GgufCursor(this.#source, array.offset, array.offset + array.byteLength);
    cursor.reading = "array";
    return cursor;
  }
}
