// Makes a native function of a running process loop for ever, as a bug in it would: its first instruction is replaced by a
// jump to itself. Needs Linux, the right to write that process's memory, and `nm`; says false where one is missing.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

const JUMP_TO_ITSELF: Readonly<Record<string, readonly number[]>> = {
  x64: [0xeb, 0xfe],
  arm64: [0x00, 0x00, 0x00, 0x14],
};

export function makeEndless(pid: number, library: string, symbol: string): boolean {
  const code = JUMP_TO_ITSELF[process.arch];
  if (code === undefined || process.platform !== "linux" || Bun.which("nm") === null) return false;
  const mapped = readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .map((line) => /^([0-9a-f]+)-\S+ \S+ 00000000 \S+ \d+ +(\/.*)$/.exec(line))
    .find((match) => match?.[2]?.split("/").at(-1)?.startsWith(library) === true);
  const [, start, path] = mapped ?? [];
  if (start === undefined || path === undefined) throw new Error(`process ${pid} has not opened ${library}`);
  const symbols = Bun.spawnSync(["nm", "--dynamic", "--defined-only", path]).stdout.toString();
  const offset = new RegExp(`^([0-9a-f]+) \\w ${symbol}$`, "m").exec(symbols)?.[1];
  if (offset === undefined) throw new Error(`${path} has no ${symbol}`);
  const address = BigInt(`0x${start}`) + BigInt(`0x${offset}`);
  let memory: number;
  try {
    memory = openSync(`/proc/${pid}/mem`, "r+");
  } catch {
    return false;
  }
  try {
    return writeSync(memory, Uint8Array.from(code), 0, code.length, Number(address)) === code.length;
  } finally {
    closeSync(memory);
  }
}
