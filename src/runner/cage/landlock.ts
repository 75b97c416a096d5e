// Landlock: from here on the kernel opens only files below the paths named. No privilege is needed.

import { closeSync, openSync, statSync } from "node:fs";
import type { Libc } from "./libc.ts";
import type { LandlockReport } from "./report.ts";
import { LANDLOCK_ADD_RULE, LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF } from "./syscalls.ts";

export interface PathRules {
  readonly read: readonly string[];
  /** Files that may be read and written; directories whose files may also be made and removed. */
  readonly write: readonly string[];
  /** Nodes, or directories of them, that a driver talks to. */
  readonly devices: readonly string[];
}

const [EXECUTE, WRITE_FILE, READ_FILE, READ_DIR] = [1, 2, 4, 8];
const [REMOVE_FILE, MAKE_REGULAR] = [1 << 5, 1 << 8];
/** Rights come with versions: refer with 2, truncate with 3, ioctl on devices with 5. */
const TRUNCATE = 1 << 14;
const IOCTL_DEVICE = 1 << 15;
const FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE;
const TCP_BIND_AND_CONNECT = 3;

const ASK_VERSION = 1;
const RULE_PATH_BENEATH = 1;
/** Since version 8; before, threads that the runtime started earlier keep their rights. */
const ALL_THREADS = 8;
const O_PATH = 0o10000000;

function handledRights(version: number): number {
  const bits = version >= 5 ? 16 : version >= 3 ? 15 : version === 2 ? 14 : 13;
  return 2 ** bits - 1;
}

export function restrictPaths(libc: Libc, rules: PathRules, problems: string[]): LandlockReport {
  const version = libc.syscall(LANDLOCK_CREATE_RULESET, 0, 0, ASK_VERSION);
  const failed = (what: string, result: number): LandlockReport => {
    problems.push(`${what} (error ${-result})`);
    return { version: 0, allThreads: false };
  };
  if (version <= 0) return failed("this kernel has no Landlock", version);
  const handled = handledRights(version);
  const attributes = new BigUint64Array(
    version >= 4 ? [BigInt(handled), BigInt(TCP_BIND_AND_CONNECT)] : [BigInt(handled)],
  );
  const ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, new Uint8Array(attributes.buffer), attributes.byteLength, 0);
  if (ruleset < 0) return failed("Landlock refused the rules", ruleset);
  try {
    const read = READ_FILE | READ_DIR;
    const write = read | WRITE_FILE | REMOVE_FILE | MAKE_REGULAR | TRUNCATE;
    for (const path of rules.read) allow(libc, ruleset, path, read & handled);
    for (const path of rules.write) allow(libc, ruleset, path, write & handled);
    for (const path of rules.devices) allow(libc, ruleset, path, (read | WRITE_FILE | IOCTL_DEVICE) & handled);
    if (version >= 8 && libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, ALL_THREADS) === 0) {
      return { version, allThreads: true };
    }
    const result = libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0);
    return result === 0 ? { version, allThreads: false } : failed("Landlock refused", result);
  } finally {
    closeSync(ruleset);
  }
}

/** A path that is not there cannot be opened either: it needs no rule. */
function allow(libc: Libc, ruleset: number, path: string, rights: number): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, O_PATH);
  } catch {
    return;
  }
  try {
    const isDirectory = statSync(path).isDirectory();
    const rule = Buffer.alloc(12);
    rule.writeBigUInt64LE(BigInt(isDirectory ? rights : rights & FILE_RIGHTS), 0);
    rule.writeInt32LE(descriptor, 8);
    libc.syscall(LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0);
  } finally {
    closeSync(descriptor);
  }
}
