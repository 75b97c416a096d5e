// States kept for conversations that come back: found, bounded, and never trusted when the file is damaged.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pruneStates } from "../../src/runner/prune-states.ts";
import { PrefixStore, WORTH_KEEPING_TOKENS } from "../../src/runner/engine/prefix-store.ts";

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, i) => from + i);
const state = (size: number, fill = 1): Uint8Array => new Uint8Array(size).fill(fill);
const MIB = 1024 * 1024;

describe("in memory", () => {
  test("the entry that saves most is found, and its state is the one that was kept", () => {
    const store = new PrefixStore(MIB, undefined, 0);
    store.keep(range(100), state(10, 1));
    store.keep([...range(80), ...range(50, 900)], state(10, 2));
    const found = store.find([...range(80), ...range(10, 900), 5], false);
    expect(found?.common).toBe(90);
    expect(found === undefined ? undefined : store.load(found.entry)).toEqual(state(10, 2));
    expect(store.find(range(50, 5000), false)).toBeUndefined();
  });
  test("only entries that a prompt continues are found when the state cannot be cut", () => {
    const store = new PrefixStore(MIB, undefined, 0);
    store.keep(range(100), state(10));
    expect(store.find(range(101), true)?.common).toBe(100);
    expect(store.find(range(100), true)).toBeUndefined();
    expect(store.find(range(99), true)).toBeUndefined();
    expect(store.find([...range(99), 7, 8], true)).toBeUndefined();
  });
  test("a longer conversation replaces its own beginning", () => {
    const store = new PrefixStore(MIB, undefined, 0);
    store.keep(range(100), state(10));
    store.keep(range(200), state(20));
    expect(store.entries.map(({ tokens }) => tokens.length)).toEqual([200]);
  });
  test("the least recently used goes first when memory is short, and what is too large is not kept", () => {
    const store = new PrefixStore(100, undefined, 0);
    for (const from of [0, 1000, 2000]) store.keep(range(100, from), state(40));
    expect(store.entries.map(({ tokens }) => tokens[0])).toEqual([1000, 2000]);
    const first = store.find(range(100, 1000), false);
    if (first !== undefined) store.load(first.entry);
    store.keep(range(100, 3000), state(40));
    expect(store.entries.map(({ tokens }) => tokens[0])).toEqual([1000, 3000]);
    store.keep(range(100, 4000), state(101));
    expect(store.entries).toHaveLength(2);
  });
  test("short conversations are not worth it, and a store of size 0 keeps none", () => {
    const store = new PrefixStore(MIB, undefined, 0);
    store.keep(range(WORTH_KEEPING_TOKENS - 1), state(1));
    expect(store.entries).toEqual([]);
    expect(new PrefixStore(0, undefined, 0).keepsInMemory).toBe(false);
  });
});

describe("on disk", () => {
  let parent = "";
  let directory = "";
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "states-"));
    directory = join(parent, "model-a");
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));
  const open = (diskBytes = MIB) => new PrefixStore(MIB, directory, diskBytes);
  const files = () => readdirSync(directory).sort();
  const onlyFile = () => join(directory, files()[0] ?? "");
  const find = (store: PrefixStore) => store.find(range(101), true);

  test("a state outlives the process, in a private file", () => {
    expect(open().persist(range(100), state(5000, 7))).toBe(true);
    expect(statSync(onlyFile()).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const again = open();
    const found = find(again);
    expect(found === undefined ? undefined : again.load(found.entry)).toEqual(state(5000, 7));
  });
  test("it is known whether a text or a longer one is there", () => {
    const store = open();
    store.keep(range(80), state(10));
    expect(store.hasOnDisk(range(80))).toBe(false);
    store.persist(range(100), state(10));
    expect([store.hasOnDisk(range(100)), store.hasOnDisk(range(80)), store.hasOnDisk(range(101))]).toEqual([
      true,
      true,
      false,
    ]);
  });
  test("is written once, and its own beginning is removed", () => {
    const store = open();
    expect([store.persist(range(100), state(10)), store.persist(range(100), state(10))]).toEqual([true, false]);
    expect(store.persist(range(150), state(10))).toBe(true);
    expect(files()).toHaveLength(1);
    expect(open().entries.map(({ tokens }) => tokens.length)).toEqual([150]);
  });

  const damages: [string, (path: string) => void][] = [
    ["cut in the head", (path) => writeFileSync(path, readFileSync(path).subarray(0, 30))],
    ["cut in the tokens", (path) => writeFileSync(path, readFileSync(path).subarray(0, 200))],
    ["cut in the state", (path) => writeFileSync(path, readFileSync(path).subarray(0, -1))],
    ["longer", (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(9)]))],
    ["empty", (path) => writeFileSync(path, "")],
    ["of another kind", (path) => writeFileSync(path, Buffer.from(readFileSync(path)).fill("X", 0, 8))],
    [
      "claiming 4 billion tokens",
      (path) => {
        const bytes = readFileSync(path);
        bytes.writeUInt32LE(0xffff_ffff, 40);
        writeFileSync(path, bytes);
      },
    ],
    [
      "claiming an absurd size",
      (path) => {
        const bytes = readFileSync(path);
        bytes.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 44);
        writeFileSync(path, bytes);
      },
    ],
  ];
  test.each(damages)("a file that is %s is removed when the store opens", (_, damage) => {
    open().persist(range(100), state(500));
    damage(onlyFile());
    expect(open().entries).toEqual([]);
    expect(files()).toEqual([]);
  });
  test.each([60, 300, 600])("a bit flipped at byte %i is found out before the state is used", (at) => {
    open().persist(range(100), state(500));
    const path = onlyFile();
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    writeFileSync(path, bytes);
    const store = open();
    const entry = store.entries[0];
    if (entry === undefined) throw new Error("the head is whole, so the entry is listed");
    expect(store.load(entry)).toBeUndefined();
    expect(store.entries).toEqual([]);
    expect(files()).toEqual([]);
  });
  test("what a runner left that was killed while it wrote goes, other files stay", () => {
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, "0.state.1234.tmp"), "OLSTATE1");
    writeFileSync(join(directory, "note"), "");
    open();
    expect(files()).toEqual(["note"]);
  });
  test("a file that vanished is forgotten", () => {
    open().persist(range(100), state(500));
    const store = open();
    rmSync(onlyFile());
    const found = find(store);
    expect(found === undefined ? "not found" : store.load(found.entry)).toBeUndefined();
    expect(store.entries).toEqual([]);
  });
  test("the states of all models together stay within the limit, the oldest going first", () => {
    const other = join(parent, "model-b");
    mkdirSync(other);
    writeFileSync(join(other, "old.state"), Buffer.alloc(3000));
    utimesSync(join(other, "old.state"), 1000, 1000);
    writeFileSync(join(other, "notes.txt"), Buffer.alloc(9000));
    const limitBytes = 4000;
    let written = 0;
    const store = new PrefixStore(0, directory, limitBytes, () => {
      written++;
      pruneStates(parent, limitBytes);
    });
    store.persist(range(100), state(900));
    expect(written).toBe(1);
    expect(readdirSync(other)).toEqual(["notes.txt"]);
    expect(files()).toHaveLength(1);
  });
  test("a directory that cannot be written costs only the cache", () => {
    writeFileSync(directory, "a file is in the way");
    expect(open().persist(range(100), state(10))).toBe(false);
  });
});
