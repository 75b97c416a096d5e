// C structs as bytes: filled by field name from the generated layouts, and passed by value the way each ABI wants it.

import { ptr, type Pointer } from "bun:ffi";
import type { StructLayout } from "./abi.gen.ts";

/** A struct in memory that stays put; keep the object referenced as long as native code may read it. */
export class CStruct<L extends StructLayout> {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(readonly layout: L) {
    this.bytes = new Uint8Array(layout.size);
    if (layout.defaults !== "") this.bytes.set(Buffer.from(layout.defaults, "hex"));
    this.#view = new DataView(this.bytes.buffer);
  }

  get pointer(): Pointer {
    return ptr(this.bytes);
  }

  set(values: { readonly [F in keyof L["fields"]]?: number | bigint | boolean }): this {
    for (const [name, value] of Object.entries(values) as [string, number | bigint | boolean][]) {
      const field = this.layout.fields[name];
      if (field === undefined) throw new Error(`no such field: ${name}`);
      this.#write(field[0], field[1], value);
    }
    return this;
  }

  #write(offset: number, kind: StructLayout["fields"][string][1], value: number | bigint | boolean): void {
    switch (kind) {
      case "bool":
      case "i8":
        return this.#view.setInt8(offset, Number(value));
      case "i32":
        return this.#view.setInt32(offset, Number(value), true);
      case "u32":
        return this.#view.setUint32(offset, Number(value), true);
      case "f32":
        return this.#view.setFloat32(offset, Number(value), true);
      case "i64":
        return this.#view.setBigInt64(offset, BigInt(value), true);
      case "u64":
      case "ptr":
        return this.#view.setBigUint64(offset, BigInt(value), true);
      default:
        return kind satisfies never;
    }
  }

  /** The struct as 8-byte words, as the System V x86-64 ABI lays it on the stack. */
  words(): bigint[] {
    return Array.from(new BigInt64Array(this.bytes.buffer, 0, this.layout.size / 8));
  }
}

/**
 * How this machine passes a struct of more than 16 bytes by value after one pointer argument. x86-64 System V copies it
 * onto the stack, so five unused integers fill the remaining registers first; every other 64-bit ABI we ship on (arm64
 * AAPCS and Apple's, Windows x64) passes a pointer to a copy.
 */
export type StructPassing = "stack-words" | "pointer";

export function structPassing(platform: NodeJS.Platform, arch: string): StructPassing {
  return arch === "x64" && platform !== "win32" ? "stack-words" : "pointer";
}

/** FFI argument types of a function `f(pointer, struct)`. */
export function byValueArgs(layout: StructLayout, passing: StructPassing): ("ptr" | "i64")[] {
  if (passing === "pointer") return ["ptr", "ptr"];
  return ["ptr", ...Array<"i64">(5 + layout.size / 8).fill("i64")];
}

/** Argument values of a function `f(pointer, struct)`, to follow `byValueArgs`. */
export function byValue(
  first: Pointer,
  struct: CStruct<StructLayout>,
  passing: StructPassing,
): (Pointer | number | bigint)[] {
  if (passing === "pointer") return [first, struct.pointer];
  return [first, 0, 0, 0, 0, 0, ...struct.words()];
}
