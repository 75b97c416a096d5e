// GGUF bytes spelled field by field, for files no writer would make.

const ENCODER = new TextEncoder();

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function u64(value: bigint | number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

export function string(text: string): Uint8Array {
  const bytes = ENCODER.encode(text);
  return Buffer.concat([u64(bytes.byteLength), bytes]);
}

/** A v3 file: counts as given, then whatever follows. */
export function rawGguf(tensorCount: bigint | number, keyCount: bigint | number, ...rest: Uint8Array[]): Uint8Array {
  return Buffer.concat([ENCODER.encode("GGUF"), u32(3), u64(tensorCount), u64(keyCount), ...rest]);
}
