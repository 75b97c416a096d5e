import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountOf } from "../../src/base/mounts.ts";

test("a path lies on the longest mount point above it, the last where there are two", () => {
  const root = mkdtempSync(join(tmpdir(), "proc-"));
  mkdirSync(join(root, "proc/self"), { recursive: true });
  const table = [
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "30 22 0:40 / /mnt/c rw,noatime shared:2 master:1 - 9p C:\\134 rw,dirsync",
    "31 22 0:41 / /mnt/my\\040disk rw - nfs4 server:/x rw",
    "32 22 0:42 / /home rw - ext4 /dev/sdb rw",
    "33 22 0:43 / /home rw - btrfs /dev/sdc rw",
  ];
  writeFileSync(join(root, "proc/self/mountinfo"), `${table.join("\n")}\n`);
  expect(mountOf("/mnt/c/models", root)).toEqual({ point: "/mnt/c", type: "9p" });
  expect(mountOf("/mnt/c", root)).toEqual({ point: "/mnt/c", type: "9p" });
  expect(mountOf("/mnt/cache", root)).toEqual({ point: "/", type: "ext4" });
  expect(mountOf("/mnt/my disk/a", root)).toEqual({ point: "/mnt/my disk", type: "nfs4" });
  expect(mountOf("/home/a", root)).toEqual({ point: "/home", type: "btrfs" });
  expect(mountOf("/", join(root, "none"))).toBeUndefined();
});
