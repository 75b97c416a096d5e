// A disk that fills up in the middle of a pull: a small file system of its own, which takes root to mount.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../src/base/digest.ts";
import { bytesOf, messageOf, pulling } from "./pulling.ts";
import { standIn } from "./stand-in.ts";

const disk = mkdtempSync(join(tmpdir(), "small-disk-"));
const mounted = mount();

function mount(): boolean {
  const args = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk];
  const done = process.platform === "linux" && process.getuid?.() === 0 && Bun.spawnSync(args).exitCode === 0;
  if (!done) console.warn("SKIPPED: a full disk (a small file system cannot be mounted here)");
  return done;
}

afterAll(() => {
  if (mounted) Bun.spawnSync(["umount", disk]);
  rmSync(disk, { recursive: true, force: true });
});

const weights = bytesOf(2_000_000, 1);
const digest = digestOf(weights);

async function leaveFree(bytes: number, filler: string): Promise<void> {
  const { bavail, bsize } = statfsSync(disk);
  await writeFile(filler, Buffer.alloc(bavail * bsize - bytes, 1));
}

test.skipIf(!mounted)(
  "what was fetched is kept, what is missing is told, and the next pull asks for the rest",
  async () => {
    using server = standIn();
    await using here = await pulling({ OLLAMA_MODELS: join(disk, "models") }, { tuning: { connections: 1 } });
    server.addModel("me/tiny:1", [weights]);
    const filler = join(disk, "filler");
    let requests = 0;
    server.fault = async (_, seen) => {
      if (seen.path.endsWith(digest) && ++requests === 6) await leaveFree(300_000, filler);
      return undefined;
    };
    const name = `${server.host}/me/tiny:1`;
    expect(await messageOf(here.pull(name))).toMatch(
      /^no space left on device: [\d.]+ MB more is needed; what was fetched is kept$/,
    );
    expect(await here.store.list()).toEqual([]);
    expect((await readdir(here.store.blobs.directory)).filter((file) => file.endsWith(".tmp"))).toEqual([]);
    server.fault = undefined;
    server.seen.length = 0;
    expect(await messageOf(here.pull(name))).toMatch(
      /^no space left on device: [\d.]+ MB more is needed in .*, [\d.]+ [KM]?B is free$/,
    );
    expect(server.seen.filter((seen) => seen.path.endsWith(digest))).toEqual([]);
    await rm(filler);
    expect((await here.pull(name)).at(-1)?.status).toBe("success");
    const parts = Math.ceil(weights.length / (64 * 1024));
    expect(server.seen.filter((seen) => seen.path.endsWith(digest)).length).toBeLessThanOrEqual(parts - 6);
    expect(await here.store.blobs.verify(digest)).toBe(true);
  },
);

test.skipIf(!mounted)("an upload that does not fit leaves nothing behind", async () => {
  await using here = await pulling({ OLLAMA_MODELS: join(disk, "models") });
  const filler = join(disk, "filler");
  await leaveFree(300_000, filler);
  const other = bytesOf(1_000_000, 2);
  const before = await readdir(here.store.blobs.directory);
  expect(await messageOf(here.store.blobs.receive(digestOf(other), [other]))).toMatch(/no space left|ENOSPC/);
  expect(await readdir(here.store.blobs.directory)).toEqual(before);
  await rm(filler);
});
