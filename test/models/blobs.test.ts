// The content store: only what hashes to its name gets in, and a failure leaves nothing behind.

import { afterEach, expect, setSystemTime, test } from "bun:test";
import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { digestOf } from "../../src/base/digest.ts";
import { tempStore } from "./temp-store.ts";

afterEach(() => {
  setSystemTime();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("content is stored once, under its hash with a dash", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const first = await blobs.put("hello");
  const again = await blobs.put(bytes("hello"));
  expect([first.created, again.created, first.size]).toEqual([true, false, 5]);
  expect(again.digest).toBe(first.digest);
  expect(await readdir(blobs.directory)).toEqual([first.digest.replace(":", "-")]);
  expect(await blobs.readText(first.digest)).toBe("hello");
  expect(await blobs.verify(first.digest)).toBe(true);
});

test("a stream in pieces is stored, and the second upload is not written again", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const digest = digestOf("abcdef");
  expect(await blobs.receive(digest, [bytes("abc"), bytes(""), bytes("def")])).toBe(true);
  expect(await blobs.receive(digest, [bytes("never read")])).toBe(false);
  expect(await blobs.readText(digest)).toBe("abcdef");
});

test("a stream with another hash is refused with both hashes and leaves nothing", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const [expected, actual] = [digestOf("right"), digestOf("wrong")];
  const refused = blobs.receive(expected, [bytes("wrong")]);
  expect(refused).rejects.toThrow(`digest mismatch, expected "${expected}", got "${actual}"`);
  await refused.catch(() => {});
  expect(await readdir(blobs.directory)).toEqual([]);
});

test("an upload that breaks off or is aborted leaves nothing", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const abort = new AbortController();
  async function* broken(how: "throws" | "aborts"): AsyncGenerator<Uint8Array> {
    yield bytes("begin");
    if (how === "throws") throw new Error("connection reset");
    abort.abort();
    yield bytes("end");
  }
  const digest = digestOf("beginend");
  expect(await blobs.receive(digest, broken("throws")).catch((error: Error) => error.message)).toBe("connection reset");
  expect(await blobs.receive(digest, broken("aborts"), abort.signal).catch((error: Error) => error.name)).toBe(
    "AbortError",
  );
  expect(await readdir(blobs.directory)).toEqual([]);
});

test("uploads of the same blob at once all succeed and leave one file", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const digest = digestOf("same");
  await Promise.all(Array.from({ length: 8 }, () => blobs.receive(digest, [bytes("sa"), bytes("me")])));
  expect(await readdir(blobs.directory)).toHaveLength(1);
  expect(await blobs.verify(digest)).toBe(true);
});

test("a file that was changed on disk is found out", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const { digest } = await blobs.put("original");
  await writeFile(blobs.path(digest), "tampered");
  expect(await blobs.verify(digest)).toBe(false);
});

test("a small layer is read only up to its limit, and a missing one is named", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const { digest } = await blobs.put("x".repeat(100));
  expect(blobs.readText(digest, 99)).rejects.toThrow("too large");
  const missing = digestOf("missing");
  expect(blobs.readText(missing)).rejects.toThrow(`blob "${missing}" not found`);
  await mkdir(blobs.path(missing));
  expect(await blobs.has(missing)).toBe(false);
});

test("putting what is there refreshes its time, so that a prune elsewhere spares it (spec 6.07)", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const { digest } = await blobs.put("kept");
  await utimes(blobs.path(digest), 1000, 1000);
  await blobs.put("kept");
  expect((await stat(blobs.path(digest))).mtimeMs).toBeGreaterThan(2_000_000);
});

test("a blob found whole counts so without being read again, until it is touched or noted as damaged", async () => {
  await using temp = await tempStore();
  const { blobs } = temp.store;
  const { digest, size } = await blobs.put("weights");
  setSystemTime(new Date(Date.now() + 5000));
  expect(blobs.isAsFoundWhole(digest, size)).toBe(false);
  expect(await blobs.isWhole(digest, size)).toBe(true);
  expect(blobs.isAsFoundWhole(digest, size)).toBe(true);
  expect(blobs.isAsFoundWhole(digest, size + 1)).toBe(false);
  await blobs.markDamaged(digest);
  expect(blobs.isAsFoundWhole(digest, size)).toBe(false);
  await blobs.damage.clear(digest);
  expect(blobs.isAsFoundWhole(digest, size)).toBe(true);
  await writeFile(blobs.path(digest), "WEIGHTS");
  expect(blobs.isAsFoundWhole(digest, size)).toBe(false);
});
