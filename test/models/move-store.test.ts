// A store on its way to another place: whole in one of them whenever it is stopped.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { moveStore } from "../../src/models/move-store.ts";
import { CONFIG_TYPE, mediaTypeOf } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { ModelStore } from "../../src/models/store.ts";
import { rejection } from "../support/rejection.ts";

const name = ModelName.parse("tiny");
/** Another file system than the temporary folder's, on Linux. */
const OTHER_DISK = "/dev/shm";
const hasOtherDisk = existsSync(OTHER_DISK) && statSync(OTHER_DISK).dev !== statSync(tmpdir()).dev;

let folder: string;
let other: string;
let from: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "move-")));
  other = hasOtherDisk ? await mkdtemp(join(OTHER_DISK, "move-")) : folder;
  from = join(folder, "models");
  const store = new ModelStore(from);
  await store.open();
  const weights = await store.blobs.put(Buffer.alloc(9_000_000, "weights"));
  const config = await store.blobs.put("{}");
  await store.write(name, {
    config: { mediaType: CONFIG_TYPE, ...config },
    layers: [{ mediaType: mediaTypeOf("model"), ...weights }],
  });
  await writeFile(`${store.blobs.path(weights.digest).replace(/.$/, "0")}-partial`, "half");
});

afterEach(async () => {
  for (const path of [folder, other]) await rm(path, { recursive: true, force: true });
});

async function isWhole(directory: string): Promise<boolean> {
  const store = new ModelStore(directory);
  const model = await store.find(name);
  if (model === undefined) return false;
  for (const { digest } of [model.manifest.config, ...model.manifest.layers])
    if (!(await store.blobs.has(digest)) || !(await store.blobs.verify(digest))) return false;
  return true;
}

async function move(to: string, signal = new AbortController().signal, source = from): Promise<string[]> {
  const lines: string[] = [];
  for await (const { status, warning } of moveStore(source, to, signal)) lines.push(warning ?? status);
  return lines;
}

async function expectMoved(to: string): Promise<void> {
  expect(await isWhole(to)).toBe(true);
  expect(existsSync(from)).toBe(false);
  expect((await readdir(join(to, "blobs"))).filter((file) => file.endsWith("-partial")).length).toBe(1);
}

test("on one file system it is one renaming, into a new place and into an empty one", async () => {
  expect(await move(join(folder, "deep/new"))).toEqual(["renamed"]);
  await expectMoved(join(folder, "deep/new"));
  await mkdir(join(folder, "empty"));
  await move(join(folder, "empty"), undefined, join(folder, "deep/new"));
  await expectMoved(join(folder, "empty"));
});

test("a link to the models leads to the new place afterwards", async () => {
  const link = join(folder, "link");
  await symlink(from, link);
  await move(join(folder, "new"), undefined, link);
  expect([(await lstat(link)).isSymbolicLink(), await realpath(link)]).toEqual([true, join(folder, "new")]);
  await expectMoved(join(folder, "new"));
});

test("what would lose or mix something is refused, and nothing has changed", async () => {
  await mkdir(join(folder, "full"));
  await writeFile(join(folder, "full/mine.txt"), "mine");
  await writeFile(join(folder, "file"), "");
  const refused = async (to: string, source = from) => (await rejection(move(to, undefined, source))).message;
  expect(await refused(join(folder, "full"))).toContain("is not empty; name a directory that is empty");
  expect(await refused(join(folder, "file"))).toContain("it is a file");
  expect(await refused(join(from, "inside"))).toContain("is in the models directory itself");
  expect(await refused(from)).toContain("is in the models directory itself");
  expect(await refused(join(folder, "new"), join(folder, "none"))).toContain("there are no models in");
  using claimed = new ModelStore(from).claim("shared");
  expect(claimed).toBeDefined();
  expect(await refused(join(folder, "new"))).toContain("a server is using the models in");
  expect(await isWhole(from)).toBe(true);
  expect((await readdir(folder)).sort()).toEqual(["file", "full", "models"]);
});

describe.skipIf(!hasOtherDisk)("onto another file system", () => {
  test("everything is copied and checked, then the old place is cleared", async () => {
    expect((await move(join(other, "new"))).slice(-2)).toEqual(["copying manifests", "removing the old files"]);
    await expectMoved(join(other, "new"));
    expect((await readdir(join(other, "new"))).filter((file) => file.includes("ing"))).toEqual([]);
  });

  test("a blob that was damaged before is told and moved as it is", async () => {
    const model = await new ModelStore(from).find(name);
    const path = new ModelStore(from).blobs.path(model?.manifest.layers[0]?.digest ?? ("" as never));
    await truncate(path, 5);
    expect((await move(join(other, "new"))).filter((line) => line.includes("was damaged before")).length).toBe(1);
    expect(existsSync(from)).toBe(false);
  });

  test("stopped half-way the old place is as it was, and the same command goes on", async () => {
    const control = new AbortController();
    const steps = moveStore(from, join(other, "new"), control.signal);
    await steps.next();
    control.abort(new AppError("canceled", "stopped"));
    expect((await rejection(steps.next())).message).toBe("stopped");
    expect(await isWhole(from)).toBe(true);
    expect(await new ModelStore(join(other, "new")).list()).toEqual([]);
    const elsewhere = moveStore(join(folder, "second"), join(other, "new"), new AbortController().signal);
    await new ModelStore(join(folder, "second")).open();
    expect((await rejection(elsewhere.next())).message).toContain(`holds an unfinished move of ${from}`);
    await move(join(other, "new"));
    await expectMoved(join(other, "new"));
  });

  test("killed after any step, one place is whole, and the same command ends the move", async () => {
    const to = join(other, "new");
    const module = JSON.stringify(join(import.meta.dir, "../../src/models/move-store.ts"));
    const code = (steps: number) => `const { moveStore } = await import(${module}); let n = 0;
      for await (const _ of moveStore(${JSON.stringify(from)}, ${JSON.stringify(to)}, new AbortController().signal))
        if (n++ === ${steps}) process.kill(process.pid, "SIGKILL");`;
    let kills = 0;
    for (let steps = 0; existsSync(from) && steps < 20; steps++) {
      const child = Bun.spawn([process.execPath, "-e", code(steps)], { stdin: "ignore", stderr: "inherit" });
      await child.exited;
      if (child.signalCode !== null) kills++;
      expect((await isWhole(from)) || (await isWhole(to))).toBe(true);
    }
    expect(kills).toBeGreaterThan(2);
    await expectMoved(to);
    expect(await readFile(join(to, "manifests", ...name.path), "utf8")).toContain("schemaVersion");
  });
});
