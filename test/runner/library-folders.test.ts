// Unpacked libraries of other versions: kept while anybody may load from them, then removed.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markInUse, removeUnused } from "../../src/runner/library-folders.ts";

const WEEKS_AGO = new Date(Date.now() - 30 * 24 * 60 * 60_000);
let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "library-folders-"));
});

afterEach(() => rm(parent, { recursive: true, force: true }));

async function folder(name: string, user?: number): Promise<string> {
  const directory = join(parent, name);
  await mkdir(directory);
  await writeFile(join(directory, "libllama.so"), "code");
  if (user !== undefined) await markInUse(directory, user);
  await utimes(directory, WEEKS_AGO, WEEKS_AGO);
  return directory;
}

async function endedProcess(): Promise<number> {
  const child = Bun.spawn(["true"]);
  await child.exited;
  return child.pid;
}

test("a folder whose server still runs stays, one whose server has ended goes", async () => {
  await folder("current");
  await folder("running", process.pid);
  await folder("ended", await endedProcess());
  await folder("unmarked");
  await removeUnused(parent, "current");
  expect((await readdir(parent)).sort()).toEqual(["current", "running"]);
});

test("a folder that was taken into use lately stays whoever used it: that may be another computer", async () => {
  const lately = await folder("lately", await endedProcess());
  await utimes(lately, new Date(), new Date());
  await removeUnused(parent, "current");
  expect(await readdir(parent)).toEqual(["lately"]);
});

test("a marker whose process id now belongs to another process holds nothing", async () => {
  const directory = await folder("reused", process.pid);
  const [marker = ""] = (await readdir(directory)).filter((name) => name.startsWith(".used-by-"));
  const content = (await Bun.file(join(directory, marker)).json()) as { host: string; pid: number };
  await writeFile(join(directory, marker), JSON.stringify({ ...content, startTicks: 1 }));
  await utimes(directory, WEEKS_AGO, WEEKS_AGO);
  await removeUnused(parent, "current");
  expect(await readdir(parent)).toEqual([]);
});

test("a damaged marker holds nothing, and an unfinished unpacking is left alone", async () => {
  const directory = await folder("damaged");
  await writeFile(join(directory, ".used-by-x-1"), "null");
  await utimes(directory, WEEKS_AGO, WEEKS_AGO);
  await folder(".unpack-abc");
  await removeUnused(parent, "current");
  expect(await readdir(parent)).toEqual([".unpack-abc"]);
});

test("taking a folder into use removes the markers of servers that ended", async () => {
  const directory = await folder("current", await endedProcess());
  await markInUse(directory);
  const markers = (await readdir(directory)).filter((name) => name.startsWith(".used-by-"));
  expect(markers).toEqual([expect.stringMatching(new RegExp(`-${process.pid}$`))]);
});
