// The few system calls by which a Linux process gives up rights. Undefined elsewhere, and where libc has another name (musl).

import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { asPointer } from "../llama/library.ts";

const { i64: I64, u64: U64, ptr: P, i32: I32 } = FFIType;

type Argument = number | bigint | Uint8Array;

export interface Libc {
  /** The raw system call; a negative result is the error number. Buffers are passed by address and outlive the call. */
  syscall(number: number, ...args: Argument[]): number;
  prctl(option: number, value: number): number;
  address(bytes: Uint8Array): number;
  /** Soft and hard limit alike. */
  setLimit(resource: number, bytes: number): number;
}

let opened: { readonly libc: Libc | undefined } | undefined;

/** Opened once: binding the calls takes milliseconds. */
export function openLibc(): Libc | undefined {
  opened ??= { libc: process.platform === "linux" ? load() : undefined };
  return opened.libc;
}

function load(): Libc | undefined {
  try {
    const { symbols } = dlopen("libc.so.6", {
      syscall: { args: [I64, U64, U64, U64, U64, U64], returns: I64 },
      prctl: { args: [I32, U64, U64, U64, U64], returns: I32 },
      setrlimit: { args: [I32, P], returns: I32 },
      __errno_location: { args: [], returns: P },
    });
    const errno = (): number => {
      const address = asPointer(symbols.__errno_location());
      return address === null ? 1 : read.i32(address, 0);
    };
    const outcome = (result: number | bigint): number => (Number(result) < 0 ? -errno() : Number(result));
    return {
      syscall(number, ...args) {
        const [a = 0, b = 0, c = 0, d = 0, e = 0] = args.map((arg) => (arg instanceof Uint8Array ? ptr(arg) : arg));
        return outcome(symbols.syscall(number, a, b, c, d, e));
      },
      address: (bytes) => Number(ptr(bytes)),
      prctl: (option, value) => outcome(symbols.prctl(option, value, 0, 0, 0)),
      setLimit(resource, bytes) {
        const limit = new BigUint64Array([BigInt(bytes), BigInt(bytes)]);
        return outcome(symbols.setrlimit(resource, ptr(limit)));
      },
    };
  } catch {
    return undefined;
  }
}
