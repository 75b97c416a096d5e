// The filter is run here as the kernel would run it, for both processors.

import { describe, expect, test } from "bun:test";
import { ALLOW, ENOSYS, EPERM, KILL, seccompFilter } from "../../../src/runner/cage/seccomp-filter.ts";
import { ABSENT, CLONE, numberFor, type Processor, REFUSED, SELF_ONLY } from "../../../src/runner/cage/syscalls.ts";

const PID = 4711;
const ARCH: Record<Processor, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

interface Call {
  readonly number: number;
  readonly arch: number;
  readonly argument?: number;
}

/** Classic BPF as far as the filter goes; an unknown instruction or a jump beyond the end throws. */
function verdict(program: Uint8Array, { number, arch, argument = 0 }: Call): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const words: Record<number, number> = { 0: number, 4: arch, 16: argument };
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const [code, value] = [view.getUint16(at * 8, true), view.getUint32(at * 8 + 4, true)];
    const jump = (holds: boolean): void => {
      at += view.getUint8(at * 8 + (holds ? 2 : 3));
    };
    switch (code) {
      case 0x20: {
        const word = words[value];
        if (word === undefined) throw new Error(`no word at ${value}`);
        accumulator = word >>> 0;
        break;
      }
      case 0x15:
        jump(accumulator === value);
        break;
      case 0x35:
        jump(accumulator >= value);
        break;
      case 0x45:
        jump((accumulator & value) !== 0);
        break;
      case 0x06:
        return value;
      default:
        throw new Error(`unknown instruction ${code}`);
    }
  }
}

describe.each(["x64", "arm64"] as const)("on %s", (processor) => {
  const arch = ARCH[processor];
  const program = seccompFilter({ processor, pid: PID, allowed: [] });
  const judge = (number: number, argument?: number) =>
    verdict(program, { number, arch, ...(argument === undefined ? {} : { argument }) });
  const numbers = (table: typeof REFUSED) => Object.values(table).flatMap((pair) => numberFor(pair, processor) ?? []);

  test("every call of the list is refused, and no other", () => {
    const refused = numbers(REFUSED);
    const absent = numbers(ABSENT);
    const judged = [...numbers(SELF_ONLY), numberFor(CLONE, processor) ?? -1];
    expect(new Set([...refused, ...absent, ...judged]).size).toBe(refused.length + absent.length + judged.length);
    for (let number = 0; number < 600; number++) {
      if (judged.includes(number)) continue;
      const expected = refused.includes(number) ? EPERM : absent.includes(number) ? ENOSYS : ALLOW;
      expect([number, judge(number)]).toEqual([number, expected]);
    }
  });

  test("threads may be made, processes may not", () => {
    const clone = numberFor(CLONE, processor) ?? -1;
    const pthreadFlags = 0x3d_0f00;
    expect(judge(clone, pthreadFlags)).toBe(ALLOW);
    expect(judge(clone, 17)).toBe(EPERM);
    expect(judge(clone, 0x1000_0000 | 17)).toBe(EPERM);
  });

  test("signals and limits reach this process alone", () => {
    for (const number of numbers(SELF_ONLY)) {
      expect([number, judge(number, PID), judge(number, 0)]).toEqual([number, ALLOW, ALLOW]);
      for (const other of [1, PID + 1, -1, -PID])
        expect([number, other, judge(number, other)]).toEqual([number, other, EPERM]);
    }
  });

  test("calls by another processor's numbers end the process", () => {
    expect(verdict(program, { number: 41, arch: 0x4000_0003 })).toBe(KILL);
    expect(verdict(program, { number: 41, arch: processor === "x64" ? ARCH.arm64 : ARCH.x64 })).toBe(KILL);
  });

  test("a backend can be allowed what it needs", () => {
    const wider = seccompFilter({ processor, pid: PID, allowed: ["socket"] });
    expect(verdict(wider, { number: numberFor(REFUSED["socket"] ?? CLONE, processor) ?? -1, arch })).toBe(ALLOW);
    expect(verdict(wider, { number: numberFor(REFUSED["connect"] ?? CLONE, processor) ?? -1, arch })).toBe(EPERM);
  });
});

test("x32 numbers are refused", () => {
  const program = seccompFilter({ processor: "x64", pid: PID, allowed: [] });
  for (const number of [0x4000_0000, 0x4000_0029, 0xffff_ffff]) {
    expect(verdict(program, { number, arch: ARCH.x64 })).toBe(EPERM);
  }
});
