// The value types of GGUF metadata, under the short names llama.cpp prints, and how scalars of fixed size are decoded.

export const VALUE_TYPES = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "str",
  "arr",
  "u64",
  "i64",
  "f64",
] as const;

export type GgufValueType = (typeof VALUE_TYPES)[number];
export type GgufElementType = Exclude<GgufValueType, "arr">;
export type GgufFixedType = Exclude<GgufElementType, "str">;

export const FIXED_SIZES: Readonly<Record<GgufFixedType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  u64: 8,
  i64: 8,
  f64: 8,
};

/** 64-bit integers come back as numbers while they are exact. */
export function decodeFixed(view: DataView, at: number, type: GgufFixedType): number | bigint | boolean {
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "i8":
      return view.getInt8(at);
    case "u16":
      return view.getUint16(at, true);
    case "i16":
      return view.getInt16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "f32":
      return view.getFloat32(at, true);
    case "f64":
      return view.getFloat64(at, true);
    case "bool":
      return view.getUint8(at) !== 0;
    case "u64":
      return exactNumber(view.getBigUint64(at, true));
    case "i64":
      return exactNumber(view.getBigInt64(at, true));
    default:
      return type satisfies never;
  }
}

export function isIntegerType(type: GgufValueType): boolean {
  return type.startsWith("u") || type.startsWith("i");
}

function exactNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
