// Reads everything of a GGUF but its tensor data: magic, version 2 or 3, key-values, tensor table.
// What comes back is well formed; whether it makes a model that can be loaded is validate.ts's business.

import { GgufCursor } from "./cursor.ts";
import { invalid, tooLarge } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import { GgufMetadata } from "./metadata.ts";
import { readEntries, type ValueSpan } from "./read-metadata.ts";
import type { GgufSource } from "./source.ts";
import { readTensors, type GgufTensor } from "./tensors.ts";

export interface Gguf {
  readonly version: number;
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensor[];
  readonly alignment: number;
  /** Where the data section starts in the file. */
  readonly dataOffset: number;
  readonly fileSize: number;
  /** Type and value of a key as they stand in the file. */
  readonly rawValue: (key: string) => Uint8Array;
}

const MAGIC = 0x46554747; // "GGUF" read as a little-endian number
const MAGIC_SWAPPED = 0x47475546; // a big-endian writer that swapped the magic too
const DEFAULT_ALIGNMENT = 32;

export function readGguf(source: GgufSource): Gguf {
  const cursor = new GgufCursor(source, 0, Math.min(source.size, LIMITS.metadataBytes));
  const version = readVersion(cursor, source.size);
  const tensorCount = cursor.u64();
  if (tensorCount > LIMITS.tensors) throw tooLarge("tensor count", tensorCount, LIMITS.tensors);
  const keyCount = cursor.u64();
  if (keyCount > LIMITS.keys) throw tooLarge("key count", keyCount, LIMITS.keys);

  const spans = new Map<string, ValueSpan>();
  const readText = (offset: number, byteLength: number) =>
    new GgufCursor(source, offset, offset + byteLength).text(byteLength);
  const entries = readEntries(cursor, keyCount, readText, spans);
  const metadata = new GgufMetadata(entries, source);
  const alignment = readAlignment(metadata);
  const tensors = readTensors(cursor, tensorCount);
  const dataOffset = alignUp(cursor.position, alignment);
  const rawValue = (key: string): Uint8Array => {
    const [start, end] = spans.get(key) ?? [0, 0];
    return new GgufCursor(source, start, end).bytes(end - start).slice();
  };
  return { version, metadata, tensors, alignment, dataOffset, fileSize: source.size, rawValue };
}

export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function readVersion(cursor: GgufCursor, fileSize: number): number {
  // Ollama: server/create.go, errOnlyGGUFSupported.
  if (fileSize < 4) throw invalid("supplied file was not in GGUF format");
  const magic = cursor.u32();
  if (magic !== MAGIC && magic !== MAGIC_SWAPPED) {
    throw invalid("supplied file was not in GGUF format");
  }
  const version = cursor.u32();
  const swapped = byteSwap(version);
  if (magic === MAGIC_SWAPPED || (version > 0xffff && swapped <= 0xffff)) {
    throw invalid(`unsupported GGUF version ${swapped} (big-endian)`);
  }
  if (version !== 2 && version !== 3) throw invalid(`unsupported GGUF version ${version}`);
  return version;
}

function byteSwap(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | ((value >>> 24) & 0xff)) >>> 0;
}

function readAlignment(metadata: GgufMetadata): number {
  const entry = metadata.entries.get("general.alignment");
  if (entry === undefined) return DEFAULT_ALIGNMENT;
  const { type, value } = entry;
  if (type !== "u32" || typeof value !== "number") {
    throw invalid(`key general.alignment has wrong type ${type} but expected type u32`);
  }
  const isPowerOfTwo = value > 0 && Number.isInteger(Math.log2(value));
  if (!isPowerOfTwo || value < LIMITS.smallestAlignment || value > LIMITS.largestAlignment) {
    throw invalid(`invalid GGUF alignment: ${value}`);
  }
  return value;
}
