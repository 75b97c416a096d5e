// Ways to take something away from a program under test. Each says whether this machine can do it: a container may forbid
// mounts, and limits of users do not hold for root.

import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programCommand } from "./program.ts";

const NOBODY = 65_534;

function run(...command: string[]): boolean {
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
}

export interface SmallDisk extends Disposable {
  readonly path: string;
}

/** A file system of so many bytes; undefined where it cannot be mounted. */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "small-disk-"));
  const dispose = (): void => {
    run("umount", "-l", path);
    rmSync(path, { recursive: true, force: true });
  };
  if (run("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=0777`, "tmpfs", path))
    return { path, [Symbol.dispose]: dispose };
  dispose();
  return undefined;
}

/**
 * Starts a command as somebody whom permissions hold for: root becomes nobody, and is given `directory`. Undefined where
 * nobody may not run the program under test.
 */
export function unprivileged(directory: string): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return [];
  const launcher = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  if (!run(...launcher, "test", "-x", programCommand()[0] ?? "")) return undefined;
  chownSync(directory, NOBODY, NOBODY);
  return launcher;
}

export interface FakeMemory extends Disposable {
  /** Starts a command that reads these figures in /proc/meminfo. */
  readonly launcher: readonly string[];
  setAvailable(bytes: number): void;
}

/** Undefined where it cannot be arranged. What is written later is seen by what was started before. */
export function fakeMemory(totalBytes: number): FakeMemory | undefined {
  const directory = mkdtempSync(join(tmpdir(), "fake-memory-"));
  const file = join(directory, "meminfo");
  const setAvailable = (bytes: number): void => {
    const lines = { MemTotal: totalBytes, MemFree: bytes, MemAvailable: bytes };
    const text = Object.entries(lines).map(([name, value]) => `${name}: ${Math.round(value / 1024)} kB\n`);
    writeFileSync(file, text.join(""));
  };
  setAvailable(totalBytes);
  const launcher = ["unshare", "--mount", "sh", "-c", `mount --bind ${file} /proc/meminfo && exec "$0" "$@"`];
  if (run(...launcher, "true"))
    return { launcher, setAvailable, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
  rmSync(directory, { recursive: true });
  return undefined;
}

/** Starts a command that sees these folders full; undefined where it cannot be arranged. */
export function fullFolders(folders: readonly string[]): readonly string[] | undefined {
  const mounts = folders.map((folder) => `mount -t tmpfs -o size=4k tmpfs ${folder}`).join(" && ");
  const launcher = ["unshare", "--mount", "sh", "-c", `${mounts} && exec "$0" "$@"`];
  return run(...launcher, "true") ? launcher : undefined;
}

/** What the promise is refused with, as text; "no error" when it is not. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => String(error),
  );
}
