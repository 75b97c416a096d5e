// Parses the key-value section: types, lengths and counts are checked before anything is allocated for them.

import type { GgufCursor } from "./cursor.ts";
import { invalid, quoteName, tooLarge } from "./invalid.ts";
import { LIMITS } from "./limits.ts";
import type { GgufArray, GgufEntry } from "./metadata.ts";
import { FIXED_SIZES, VALUE_TYPES, type GgufElementType, type GgufValueType } from "./value-type.ts";

/** Reads a string that may be far away in the file, later. */
type ReadText = (offset: number, byteLength: number) => string;

/** Where an entry's type and value lie in the file. */
export type ValueSpan = readonly [start: number, end: number];

export function readEntries(
  cursor: GgufCursor,
  count: number,
  readText: ReadText,
  spans: Map<string, ValueSpan>,
): Map<string, GgufEntry> {
  const entries = new Map<string, GgufEntry>();
  const budget = { eagerBytes: LIMITS.eagerStringBytesInAll };
  for (let index = 0; index < count; index++) {
    cursor.reading = `key ${index}`;
    const key = readKey(cursor);
    if (entries.has(key)) throw invalid(`duplicate key ${quoteName(key)}`);
    cursor.reading = `value of ${quoteName(key)}`;
    const start = cursor.position;
    entries.set(key, readEntry(cursor, budget, readText));
    spans.set(key, [start, cursor.position]);
  }
  return entries;
}

function readKey(cursor: GgufCursor): string {
  const byteLength = cursor.u64();
  if (byteLength === 0) throw invalid("GGUF has an empty key");
  if (byteLength > LIMITS.keyBytes) throw tooLarge("key length", byteLength, LIMITS.keyBytes);
  return cursor.text(byteLength);
}

function readEntry(cursor: GgufCursor, budget: { eagerBytes: number }, readText: ReadText): GgufEntry {
  const typeId = cursor.u32();
  const type = VALUE_TYPES[typeId];
  if (type === undefined) throw invalid(`invalid type: ${typeId}`);
  if (type === "arr") return { type, value: readArray(cursor) };
  if (type !== "str") return { type, value: cursor.fixed(type) };

  const byteLength = readStringLength(cursor);
  if (byteLength <= LIMITS.eagerStringBytes && byteLength <= budget.eagerBytes) {
    budget.eagerBytes -= byteLength;
    return { type, value: cursor.text(byteLength) };
  }
  const offset = cursor.position;
  cursor.skip(byteLength);
  return lateText(type, () => readText(offset, byteLength));
}

function lateText(type: GgufValueType, read: () => string): GgufEntry {
  return {
    type,
    get value() {
      return read();
    },
  };
}

function readArray(cursor: GgufCursor): GgufArray {
  const typeId = cursor.u32();
  const elementType = VALUE_TYPES[typeId];
  // Neither Ollama nor llama.cpp reads arrays of arrays.
  if (elementType === undefined || elementType === "arr") {
    throw invalid(`invalid array type: ${typeId}`);
  }
  const count = cursor.u64();
  if (count > LIMITS.arrayItems) throw tooLarge("array size", count, LIMITS.arrayItems);
  const offset = cursor.position;
  skipItems(cursor, elementType, count);
  return { elementType, count, offset, byteLength: cursor.position - offset };
}

function skipItems(cursor: GgufCursor, elementType: GgufElementType, count: number): void {
  if (elementType === "str") cursor.skipTexts(count, LIMITS.stringBytes);
  else cursor.skip(FIXED_SIZES[elementType] * count);
}

function readStringLength(cursor: GgufCursor): number {
  const byteLength = cursor.u64();
  if (byteLength > LIMITS.stringBytes) throw tooLarge("string length", byteLength, LIMITS.stringBytes);
  return byteLength;
}
