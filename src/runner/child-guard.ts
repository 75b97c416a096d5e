// What a runner gives up when it starts (Linux only; elsewhere the closed IPC channel is what ends an orphan).

import { dlopen, FFIType } from "bun:ffi";

const PR_SET_PDEATHSIG = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;

function prctl(option: number, value: number): void {
  if (process.platform !== "linux") return;
  const { I, U } = { I: FFIType.i32, U: FFIType.u64 };
  try {
    const libc = dlopen("libc.so.6", { prctl: { args: [I, U, U, U, U], returns: I } });
    libc.symbols.prctl(option, value, 0, 0, 0);
  } catch {
    // A libc by another name (musl): the IPC channel still ends the process.
  }
}

/** The kernel kills this process when the server dies, even by SIGKILL and even in the middle of a long decode. */
export function dieWithParent(): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

export function dropPrivileges(): void {
  prctl(PR_SET_NO_NEW_PRIVS, 1);
}
