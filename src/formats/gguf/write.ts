// Writes GGUF v3: header and metadata first, then each tensor's bytes as they come, so a model larger than memory can be
// written. Sizes are fixed by the tensor table; data that does not fill its place exactly is an error.

import { AppError } from "../../base/errors.ts";
import { alignUp } from "./header.ts";
import { quoteName } from "./invalid.ts";
import { tensorType } from "./quantization.ts";
import { tensorByteSize } from "./tensors.ts";
import {
  FIXED_SIZES,
  VALUE_TYPES,
  type GgufElementType,
  type GgufFixedType,
  type GgufValueType,
} from "./value-type.ts";

export type GgufWriteValue =
  /** Type and value as another file has them. */
  | { readonly type: "raw"; readonly bytes: Uint8Array }
  | { readonly type: GgufFixedType; readonly value: number | bigint | boolean }
  | { readonly type: "str"; readonly value: string }
  | { readonly type: "arr"; readonly elementType: "str"; readonly values: readonly string[] }
  | { readonly type: "arr"; readonly elementType: GgufFixedType; readonly values: Iterable<number | bigint | boolean> };

export interface GgufWriteTensor {
  readonly name: string;
  /** A ggml type id (quantization.ts). */
  readonly type: number;
  readonly shape: readonly number[];
  readonly data: Uint8Array | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);
}

export interface GgufLayout {
  /** Written in this order. general.alignment does not belong here: `alignment` adds it. */
  readonly metadata: ReadonlyMap<string, GgufWriteValue>;
  readonly tensors: readonly GgufWriteTensor[];
  readonly alignment?: number;
}

/** Must be done with a chunk when it returns or resolves: producers may reuse the memory. */
export type GgufSink = (chunk: Uint8Array) => void | Promise<void>;

const DEFAULT_ALIGNMENT = 32;
const ENCODER = new TextEncoder();

/** Returns the bytes written. */
export async function writeGguf(sink: GgufSink, layout: GgufLayout): Promise<number> {
  const alignment = layout.alignment ?? DEFAULT_ALIGNMENT;
  const header = encodeHeader(layout);
  await sink(header);
  let written = header.byteLength;
  for (const tensor of layout.tensors) {
    const byteSize = sizeOf(tensor);
    let size = 0;
    for await (const chunk of chunksOf(tensor)) {
      size += chunk.byteLength;
      if (size > byteSize) throw wrongSize(tensor.name, size, byteSize);
      await sink(chunk);
    }
    if (size !== byteSize) throw wrongSize(tensor.name, size, byteSize);
    const padding = alignUp(size, alignment) - size;
    if (padding > 0) await sink(new Uint8Array(padding));
    written += size + padding;
  }
  return written;
}

/** What `writeGguf` will write. */
export function ggufByteSize(layout: GgufLayout): number {
  const alignment = layout.alignment ?? DEFAULT_ALIGNMENT;
  return layout.tensors.reduce(
    (total, each) => total + alignUp(sizeOf(each), alignment),
    encodeHeader(layout).byteLength,
  );
}

/** Everything before the tensor data, padded to where that starts. */
export function encodeHeader(layout: GgufLayout): Uint8Array {
  const alignment = layout.alignment ?? DEFAULT_ALIGNMENT;
  const metadata = new Map(layout.metadata);
  if (metadata.has("general.alignment")) throw new AppError("internal", "general.alignment is the writer's to set");
  if (layout.alignment !== undefined) metadata.set("general.alignment", { type: "u32", value: alignment });
  const bytes = new ByteWriter();
  bytes.raw(ENCODER.encode("GGUF"));
  bytes.fixed("u32", 3);
  bytes.fixed("u64", layout.tensors.length);
  bytes.fixed("u64", metadata.size);
  for (const [key, value] of metadata) {
    bytes.text(key);
    writeValue(bytes, value);
  }
  let offset = 0;
  for (const tensor of layout.tensors) {
    bytes.text(tensor.name);
    bytes.fixed("u32", tensor.shape.length);
    for (const length of tensor.shape) bytes.fixed("u64", length);
    bytes.fixed("u32", tensor.type);
    bytes.fixed("u64", offset);
    offset = alignUp(offset + sizeOf(tensor), alignment);
  }
  bytes.raw(new Uint8Array(alignUp(bytes.length, alignment) - bytes.length));
  return bytes.finish();
}

function writeValue(bytes: ByteWriter, value: GgufWriteValue): void {
  if (value.type === "raw") return bytes.raw(value.bytes);
  bytes.fixed("u32", typeId(value.type));
  if (value.type === "str") return bytes.text(value.value);
  if (value.type !== "arr") return bytes.fixed(value.type, value.value);
  bytes.fixed("u32", typeId(value.elementType));
  const values = [...value.values];
  bytes.fixed("u64", values.length);
  for (const item of values) {
    if (typeof item === "string") bytes.text(item);
    else bytes.fixed(fixedType(value.elementType), item);
  }
}

function fixedType(type: GgufElementType): GgufFixedType {
  if (type === "str") throw new AppError("internal", "a number in an array of strings");
  return type;
}

function typeId(type: GgufValueType): number {
  return VALUE_TYPES.indexOf(type);
}

function sizeOf({ name, type, shape }: GgufWriteTensor): number {
  const known = tensorType(type);
  if (known === undefined) throw new AppError("internal", `tensor ${quoteName(name)} has unknown type ${type}`);
  return tensorByteSize(name, known, shape);
}

function chunksOf({ data }: GgufWriteTensor): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return typeof data === "function" ? data() : [data];
}

function wrongSize(name: string, size: number, expected: number): AppError {
  return new AppError("internal", `tensor ${quoteName(name)} has ${size} bytes of data, expected ${expected}`);
}

class ByteWriter {
  length = 0;
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  text(text: string): void {
    const bytes = ENCODER.encode(text);
    this.fixed("u64", bytes.byteLength);
    this.raw(bytes);
  }

  fixed(type: GgufFixedType, value: number | bigint | boolean): void {
    const at = this.#reserve(FIXED_SIZES[type]);
    switch (type) {
      case "u8":
      case "bool":
        return this.#view.setUint8(at, Number(value));
      case "i8":
        return this.#view.setInt8(at, Number(value));
      case "u16":
        return this.#view.setUint16(at, Number(value), true);
      case "i16":
        return this.#view.setInt16(at, Number(value), true);
      case "u32":
        return this.#view.setUint32(at, Number(value), true);
      case "i32":
        return this.#view.setInt32(at, Number(value), true);
      case "f32":
        return this.#view.setFloat32(at, Number(value), true);
      case "f64":
        return this.#view.setFloat64(at, Number(value), true);
      case "u64":
        return this.#view.setBigUint64(at, BigInt(value), true);
      case "i64":
        return this.#view.setBigInt64(at, BigInt(value), true);
      default:
        return type satisfies never;
    }
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(count: number): number {
    const at = this.length;
    this.length = at + count;
    if (this.length > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
