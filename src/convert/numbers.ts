// Between the three number formats of weights. Everything that passes is looked at: a NaN or an infinity is a broken
// model, and one that arises because a number is too large for F16 would break it silently.

export type NumberFormat = "F32" | "F16" | "BF16";

export const FORMAT_BYTES: Readonly<Record<NumberFormat, number>> = { F32: 4, F16: 2, BF16: 2 };
/** ggml's type ids. */
export const FORMAT_IDS: Readonly<Record<NumberFormat, number>> = { F32: 0, F16: 1, BF16: 30 };
/** llama.cpp's ids for whole files (llama.h, llama_ftype). */
export const FILE_TYPES: Readonly<Record<NumberFormat, number>> = { F32: 0, F16: 1, BF16: 32 };

export function isNumberFormat(type: string): type is NumberFormat {
  return type === "F32" || type === "F16" || type === "BF16";
}

/** Bits that are all set in NaN and infinity. */
const EXPONENTS = { F32: 0x7f80_0000, F16: 0x7c00, BF16: 0x7f80 } as const;

export function allFinite(bytes: Uint8Array, format: NumberFormat): boolean {
  const words = format === "F32" ? words32(bytes) : words16(bytes);
  const exponent = EXPONENTS[format];
  for (let i = 0; i < words.length; i++) if (((words[i] ?? 0) & exponent) === exponent) return false;
  return true;
}

/** The same numbers in another format, nearest and ties to even. Bytes must start at a multiple of their element. */
export function convertNumbers(bytes: Uint8Array, from: NumberFormat, to: NumberFormat): Uint8Array {
  if (from === to) return bytes;
  return narrow(widen(bytes, from), to);
}

export function widen(bytes: Uint8Array, from: NumberFormat): Float32Array {
  switch (from) {
    case "F32":
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    case "F16":
      return new Float32Array(new Float16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
    case "BF16": {
      const words = words16(bytes);
      const wide = new Uint32Array(words.length);
      for (let i = 0; i < words.length; i++) wide[i] = (words[i] ?? 0) << 16;
      return new Float32Array(wide.buffer);
    }
    default:
      return from satisfies never;
  }
}

export function narrow(values: Float32Array, to: NumberFormat): Uint8Array {
  switch (to) {
    case "F32":
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    case "F16":
      return new Uint8Array(new Float16Array(values).buffer);
    case "BF16": {
      const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
      const short = new Uint16Array(words.length);
      for (let i = 0; i < words.length; i++) {
        const word = words[i] ?? 0;
        short[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
      }
      return new Uint8Array(short.buffer);
    }
    default:
      return to satisfies never;
  }
}

function words16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

function words32(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
