// Two programs on one models directory: each blob is fetched once, and no model loses what it needs.

import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { digestOf } from "../../src/base/digest.ts";
import { FileLock } from "../../src/base/file-lock.ts";
import { mediaTypeOf } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { tidyStore } from "../../src/models/prune.ts";
import { ModelStore } from "../../src/models/store.ts";
import { bytesOf, messageOf, pulling } from "./pulling.ts";
import { standIn } from "./stand-in.ts";

const weights = bytesOf(700_000, 1);
const digest = digestOf(weights);
const small = bytesOf(10, 2);

test("two programs that pull the same model fetch each part once between them", async () => {
  using server = standIn();
  await using one = await pulling();
  await using two = await pulling({ OLLAMA_MODELS: one.store.directory });
  const manifest = server.addModel("me/tiny:1", [weights, small]);
  const name = `${server.host}/me/tiny:1`;
  const [first, second] = await Promise.all([one.pull(name), two.pull(name)]);
  expect([first.at(-1)?.status, second.at(-1)?.status]).toEqual(["success", "success"]);
  const ranges = server.seen.filter((seen) => seen.path.endsWith(digest)).map((seen) => seen.range);
  expect(ranges.length).toBe(new Set(ranges).size);
  expect(await readFile(one.store.manifestPath(ModelName.parse(name)), "utf8")).toBe(manifest);
  expect((await readdir(one.store.blobs.directory)).filter((file) => file.includes("partial"))).toEqual([]);
});

test("who waits for another's download can be stopped, and asks for nothing", async () => {
  using server = standIn();
  await using one = await pulling();
  server.addModel("me/tiny:1", [weights]);
  using _ = FileLock.tryAcquire(`${one.store.blobs.path(digest)}-partial-lock`, "exclusive");
  const control = new AbortController();
  const pull = one.pull(`${server.host}/me/tiny:1`, true, control.signal);
  while (server.seen.length === 0) await Bun.sleep(1);
  control.abort();
  expect(await messageOf(pull)).not.toBe("no error");
  expect(server.seen.filter((seen) => seen.path.endsWith(digest))).toEqual([]);
});

test.each(["rm", "prune"])("a blob that another program's %s takes during a pull is fetched again", async (how) => {
  using server = standIn();
  await using here = await pulling({}, { tuning: { connections: 1 } });
  const other = new ModelStore(here.store.directory);
  const manifest = server.addModel("me/tiny:1", [small, weights]);
  let taken = 0;
  server.fault = (_, seen) => {
    if (!seen.path.endsWith(digest) || taken++ > 0) return undefined;
    const remove = async (): Promise<undefined> => {
      if (how === "rm") await other.removeUnused([digestOf(small)]);
      else await tidyStore(other, { prune: true, nowMs: Date.now() + 2 * 60 * 60_000 });
      expect(await other.blobs.has(digestOf(small))).toBe(false);
    };
    return remove();
  };
  const name = `${server.host}/me/tiny:1`;
  expect((await here.pull(name)).at(-1)?.status).toBe("success");
  expect(await readFile(here.store.manifestPath(ModelName.parse(name)), "utf8")).toBe(manifest);
  expect(await here.store.blobs.verify(digestOf(small))).toBe(true);
  expect(await here.store.blobs.verify(digest)).toBe(true);
});

test("a model is never made of blobs that another program has just removed", async () => {
  await using here = await pulling();
  const other = new ModelStore(here.store.directory);
  const blob = await here.store.blobs.put("weights");
  const layer = { mediaType: mediaTypeOf("model"), digest: blob.digest, size: blob.size };
  await other.removeUnused([blob.digest]);
  const made = here.store.write(ModelName.parse("tiny"), { config: layer, layers: [layer] });
  expect(await messageOf(made)).toMatch(/was removed by another program meanwhile; try again/);
  expect(await here.store.list()).toEqual([]);
});

test("a prune beside a running pull takes neither its parts nor its lock", async () => {
  using server = standIn();
  await using here = await pulling({}, { tuning: { connections: 1 } });
  server.addModel("me/tiny:1", [weights]);
  let during: string[] = [];
  server.fault = (_, seen) => {
    if (!seen.path.endsWith(digest) || during.length > 0) return undefined;
    const prune = async (): Promise<undefined> => {
      await tidyStore(new ModelStore(here.store.directory), { prune: true, nowMs: Date.now() + 2 * 60 * 60_000 });
      during = await readdir(here.store.blobs.directory);
    };
    return prune();
  };
  expect((await here.pull(`${server.host}/me/tiny:1`)).at(-1)?.status).toBe("success");
  expect(during.filter((name) => /-partial(-lock)?$/.test(name)).length).toBe(2);
});
