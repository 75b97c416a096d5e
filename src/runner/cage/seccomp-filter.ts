// The program by which the kernel judges every system call of a runner (classic BPF over struct seccomp_data): everything
// passes but a list. Pure, so that tests can run it for both processors.

import { ABSENT, CLONE, numberFor, type Processor, REFUSED, SELF_ONLY } from "./syscalls.ts";

const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Offsets in struct seccomp_data: what was called, by which kind of processor, with what (low half of the argument). */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

export const ALLOW = 0x7fff_0000;
export const KILL = 0x8000_0000;
const ERRNO = 0x0005_0000;
export const EPERM = ERRNO | 1;
export const ENOSYS = ERRNO | 38;

const AUDIT_ARCH: Readonly<Record<Processor, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** x86-64 takes a second set of numbers for its x32 form. */
const X32_BIT = 0x4000_0000;
const CLONE_THREAD = 0x1_0000;

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

export interface FilterOptions {
  readonly processor: Processor;
  readonly pid: number;
  /** Names out of the list that pass all the same, for a backend that needs them. */
  readonly allowed: readonly string[];
}

export function seccompFilter({ processor, pid, allowed }: FilterOptions): Uint8Array {
  const program: Instruction[] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[processor]],
    // Only code that was put here by an attack calls by another processor's numbers.
    [RETURN, 0, 0, KILL],
    [LOAD_WORD, 0, 0, NUMBER],
  ];
  if (processor === "x64") program.push([JUMP_GREATER_EQUAL, 0, 1, X32_BIT], [RETURN, 0, 0, EPERM]);
  const answer = (table: typeof REFUSED, result: number): void => {
    for (const [name, numbers] of Object.entries(table)) {
      const number = numberFor(numbers, processor);
      if (number === undefined || allowed.includes(name)) continue;
      program.push([JUMP_EQUAL, 0, 1, number], [RETURN, 0, 0, result]);
    }
  };
  answer(REFUSED, EPERM);
  answer(ABSENT, ENOSYS);
  const judge = (numbers: (typeof REFUSED)[string], ...tests: Instruction[]): void => {
    const number = numberFor(numbers, processor);
    if (number === undefined) return;
    const length = 1 + tests.length + 2;
    program.push([JUMP_EQUAL, 0, length, number], [LOAD_WORD, 0, 0, FIRST_ARGUMENT], ...tests);
    program.push([RETURN, 0, 0, EPERM], [RETURN, 0, 0, ALLOW]);
  };
  judge(CLONE, [JUMP_ANY_BIT, 1, 0, CLONE_THREAD]);
  // 0 is this process too, except for kill: there it is the process group, which is its own.
  for (const numbers of Object.values(SELF_ONLY)) judge(numbers, [JUMP_EQUAL, 2, 0, pid], [JUMP_EQUAL, 1, 0, 0]);
  program.push([RETURN, 0, 0, ALLOW]);
  return assemble(program);
}

/** struct sock_filter: u16 code, u8 jt, u8 jf, u32 k. */
function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [i, [code, whenTrue, whenFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(whenTrue, i * 8 + 2);
    bytes.writeUInt8(whenFalse, i * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, i * 8 + 4);
  }
  return bytes;
}
