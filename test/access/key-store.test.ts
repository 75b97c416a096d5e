// The key directory: private, seen at once by a server that runs, safe with several writers and with crashes at any point.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findKey, type KeyWish } from "../../src/access/api-key.ts";
import { KeyStore } from "../../src/access/key-store.ts";
import { isOwnerWord, ownerWord } from "../../src/access/owner.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const wish = (name: string | undefined): KeyWish => ({ name, scopes: ["infer"], limit: 0, budget: 0 });

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home[Symbol.asyncDispose]());

test("without the directory no keys are asked for, and looking does not make it", async () => {
  expect(new KeyStore(home.path).table()).toEqual({ required: false, keys: [], ownerSecret: undefined, problems: [] });
  expect(await readdir(home.path)).toEqual([]);
});

test("everything in it is for this account alone", async () => {
  const store = new KeyStore(home.path);
  await store.create(wish("a"));
  expect((await stat(store.directory)).mode & 0o777).toBe(0o700);
  const names = await readdir(store.directory);
  expect(names).toHaveLength(2);
  for (const name of names) expect((await stat(join(store.directory, name))).mode & 0o777).toBe(0o600);
});

test("another process sees each change at once, however fast they come", async () => {
  const [writer, reader] = [new KeyStore(home.path), new KeyStore(home.path)];
  for (let turn = 0; turn < 30; turn++) {
    const { text, key } = await writer.create(wish(undefined));
    expect(findKey(reader.table().keys, text)?.id).toBe(key.id);
    await writer.revoke(key.id);
    expect(findKey(reader.table().keys, text)).toBeUndefined();
  }
});

test("the last key's end leaves the server closed", async () => {
  const store = new KeyStore(home.path);
  await store.create(wish("a"));
  await store.revoke("a");
  expect(store.table()).toMatchObject({ required: true, keys: [] });
});

test("names are given once; what is not there cannot be revoked", async () => {
  const store = new KeyStore(home.path);
  await store.create(wish("a"));
  expect(store.create(wish("a"))).rejects.toThrow('there is a key called "a" already');
  expect(store.revoke("b")).rejects.toThrow('there is no key "b"');
});

test("a broken file is told of and takes no other key along; what cannot be read is closed", async () => {
  const store = new KeyStore(home.path);
  const { text } = await store.create(wish("a"));
  await writeFile(join(store.directory, "00000000.json"), "{");
  const { keys, problems } = store.table();
  expect([findKey(keys, text)?.name, problems.length]).toEqual(["a", 1]);
  await using other = await tempHome();
  await mkdir(join(other.path, "keys"));
  await chmod(join(other.path, "keys"), 0);
  await using file = await tempHome();
  await writeFile(join(file.path, "keys"), "no directory");
  for (const { path } of [other, file]) expect(new KeyStore(path).table()).toMatchObject({ required: true, keys: [] });
});

const WRITER = join(import.meta.dir, "key-writer.ts");

test("ten processes that write at once lose no key", async () => {
  const children = Array.from({ length: 10 }, (_, index) =>
    Bun.spawn([process.execPath, WRITER, home.path, `k${index}`, "1"], { stdout: "pipe", stderr: "inherit" }),
  );
  const texts = await Promise.all(children.map((child) => new Response(child.stdout).text()));
  const { keys, problems, ownerSecret } = new KeyStore(home.path).table();
  expect(problems).toEqual([]);
  for (const text of texts) expect(findKey(keys, text.trim())).toBeDefined();
  expect(ownerSecret).toMatch(/^[0-9a-f]{64}$/);
}, 30_000);

test("kill -9 at any point of creating and revoking leaves every other key, and no half one", async () => {
  const store = new KeyStore(home.path);
  const { text } = await store.create(wish("stays"));
  const secret = store.table().ownerSecret;
  for (let round = 0; round < 12; round++) {
    const child = Bun.spawn([process.execPath, WRITER, home.path, `r${round}-`, "1000"], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = child.stdout.getReader();
    await reader.read(); // it has begun
    await Bun.sleep(round * 3);
    child.kill("SIGKILL");
    await child.exited;
    const { keys, problems, ownerSecret } = store.table();
    expect(problems).toEqual([]);
    expect(findKey(keys, text)?.name).toBe("stays");
    expect(ownerSecret).toBe(secret);
  }
}, 60_000);

test("the owner's word is good for a minute and for its own secret", () => {
  const nowMs = 1_800_000_000_000;
  const word = ownerWord("a".repeat(64), nowMs);
  expect(isOwnerWord("a".repeat(64), word, nowMs + 59_000)).toBe(true);
  expect(isOwnerWord("a".repeat(64), word, nowMs + 61_000)).toBe(false);
  expect(isOwnerWord("a".repeat(64), word, nowMs - 61_000)).toBe(false);
  expect(isOwnerWord("b".repeat(64), word, nowMs)).toBe(false);
  expect(isOwnerWord("a".repeat(64), word.replace(String(nowMs), String(nowMs + 30_000)), nowMs)).toBe(false);
  expect(isOwnerWord("a".repeat(64), "ollama-owner..", nowMs)).toBe(false);
});
