// Ways to take something away from a program under test. Each says whether this machine can do it: a container may forbid
// mounts, and limits of users do not hold for root.

import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

/** Starts a command that sees these folders full; undefined where it cannot be arranged. */
export function fullFolders(folders: readonly string[]): readonly string[] | undefined {
  const mounts = folders.map((folder) => `mount -t tmpfs -o size=4k tmpfs ${folder}`).join(" && ");
  const launcher = ["unshare", "--mount", "sh", "-c", `${mounts} && exec "$0" "$@"`];
  return run(...launcher, "true") ? launcher : undefined;
}

export interface MemoryGroup extends Disposable {
  readonly launcher: readonly string[];
  /** Leaves so much to what runs in it, besides the memory that it cannot give back. */
  leave(bytes: number, heldBytes: number): void;
}

/** Starts a command with so much memory in all; undefined where control groups cannot be made. */
export function memoryGroup(bytes: number): MemoryGroup | undefined {
  const name = `ollama-test-${process.pid}`;
  for (const [parent, file] of [
    ["/sys/fs/cgroup", "memory.max"],
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
  ] as const) {
    const directory = join(parent, name);
    // Where the older kind is mounted, its parent is an ordinary folder.
    if (!existsSync(join(parent, "cgroup.procs"))) continue;
    try {
      mkdirSync(directory);
    } catch {
      continue;
    }
    const dispose = (): void => void run("rmdir", directory);
    const script = `echo ${bytes} > ${directory}/${file} && echo $$ > ${directory}/cgroup.procs && exec "$0" "$@"`;
    const leave = (left: number, held: number): void => writeFileSync(join(directory, file), String(held + left));
    if (run("sh", "-c", script, "true")) return { launcher: ["sh", "-c", script], leave, [Symbol.dispose]: dispose };
    dispose();
  }
  return undefined;
}
