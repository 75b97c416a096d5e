import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { History, HistoryWalk } from "../../../src/cli/repl/history.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "history-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("entries come back from a file that only its owner can read", () => {
  const path = join(folder, "home", ".ollama", "history");
  new History(path).add("first");
  new History(path).add("second");
  expect(readFileSync(path, "utf8")).toBe("first\nsecond\n");
  expect([...new History(path).entries]).toEqual(["first", "second"]);
  if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, "home", ".ollama"))).toEqual(["history"]);
});

test("only the last hundred are kept", () => {
  const path = join(folder, "history");
  const history = new History(path);
  for (let index = 0; index < 105; index++) history.add(`line ${index}`);
  expect(history.entries.length).toBe(100);
  expect(readFileSync(path, "utf8").split("\n")[0]).toBe("line 5");
});

test("blank lines in the file are skipped and others trimmed, as Ollama does", () => {
  const path = join(folder, "history");
  writeFileSync(path, "  one \n\n\ntwo");
  expect([...new History(path).entries]).toEqual(["one", "two"]);
});

test("switched off, it remembers but writes nothing, until it is switched on", () => {
  const path = join(folder, "history");
  const history = new History(path, false);
  history.add("secret");
  expect(existsSync(path)).toBe(false);
  history.isSaved = true;
  history.add("more");
  expect(readFileSync(path, "utf8")).toBe("secret\nmore\n");
});

test("a place that cannot be written does not stop anything", () => {
  mkdirSync(join(folder, "history"));
  const history = new History(join(folder, "history"));
  history.add("kept");
  expect([...history.entries]).toEqual(["kept"]);
});

test("a walk ends at both sides and keeps the draft", () => {
  const walk = new HistoryWalk(["a", "b"]);
  expect(walk.next()).toBeUndefined();
  expect([walk.previous("draft"), walk.previous("b"), walk.previous("a")]).toEqual(["b", "a", undefined]);
  expect([walk.next(), walk.next(), walk.next()]).toEqual(["b", "draft", undefined]);
});
