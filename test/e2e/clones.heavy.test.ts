// Clones on the file systems that have them, each in a file mounted as a disk: needs root and a kernel with loop devices.

import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const LIMIT_MS = 120_000;
/** XFS makes none below 300 MB. */
const DISK_BYTES = 400e6;
const MAKERS = { btrfs: "btrfs-progs", xfs: "xfsprogs" } as const;

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stdout: "ignore" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

function requireMaker(kind: keyof typeof MAKERS): void {
  if (Bun.which(`mkfs.${kind}`) !== null) return;
  for (const args of [["update"], ["install", "-y", MAKERS[kind]]]) {
    Bun.spawnSync(["apt-get", ...args], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  }
}

test.skipIf(process.platform !== "linux" || process.getuid?.() !== 0).each(["btrfs", "xfs"] as const)(
  "a model made of a local file shares its blocks on %s",
  async (kind) => {
    requireMaker(kind);
    const folder = await mkdtemp(join(tmpdir(), `${kind}-`));
    const [image, disk] = [join(folder, "image"), join(folder, "disk")];
    try {
      await mkdir(disk);
      await writeFile(image, "");
      await truncate(image, DISK_BYTES);
      run(`mkfs.${kind}`, "-q", image);
      run("mount", "-o", "loop", image, disk);
      try {
        const tests = Bun.spawnSync([process.execPath, "test", "test/cli/create/without-copy.test.ts"], {
          cwd: root,
          env: { ...process.env, TMPDIR: disk },
        });
        const said = tests.stderr.toString();
        expect([tests.exitCode, said]).toEqual([0, expect.stringContaining("(pass) on a file system with clones > ")]);
      } finally {
        run("umount", disk);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  LIMIT_MS,
);
