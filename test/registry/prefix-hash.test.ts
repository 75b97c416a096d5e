// The digest that follows a growing file, on the server's thread and in one of its own.

import { expect, test } from "bun:test";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../src/base/digest.ts";
import { HashThread } from "../../src/registry/hash-thread.ts";
import { PrefixHash } from "../../src/registry/prefix-hash.ts";
import { bytesOf, messageOf } from "./pulling.ts";

async function withFile(bytes: Uint8Array, use: (hash: PrefixHash) => Promise<void>, totalBytes = bytes.length) {
  const folder = await mkdtemp(join(tmpdir(), "prefix-hash-"));
  try {
    await using file = await open(join(folder, "file"), "w+");
    await file.writeFile(bytes);
    await using hash = new PrefixHash(file, totalBytes);
    await use(hash);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test.each([0, 1, 300_000, 17_000_000])("%d bytes have the digest of the whole, whatever the steps", async (size) => {
  const bytes = bytesOf(size, 3);
  await withFile(bytes, async (hash) => {
    for (let at = 0; at < size; at += size / 7) hash.advance(Math.floor(at));
    hash.advance(Math.floor(size / 2));
    expect(await hash.finish()).toBe(digestOf(bytes));
  });
});

test.each([300_000, 17_000_000])("a file of %d bytes that became shorter fails", (size) =>
  withFile(
    bytesOf(1000, 4),
    async (hash) => expect(await messageOf(hash.finish())).toBe("a partial download became shorter"),
    size,
  ),
);

test("a thread that ends before it has answered fails the hash instead of leaving it open", async () => {
  const folder = await mkdtemp(join(tmpdir(), "prefix-hash-"));
  try {
    await using file = await open(join(folder, "file"), "w+");
    await file.truncate(40_000_000);
    const thread = new HashThread(file.fd);
    const message = messageOf(thread.hashTo(40_000_000));
    await thread[Symbol.asyncDispose]();
    expect(await message).toBe("the thread that hashes a download ended");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
