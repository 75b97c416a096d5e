import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPaths, takeFiles } from "../../../src/cli/run/prompt-files.ts";
import { Pipe } from "../../support/cli.ts";
import { rejection } from "../../support/rejection.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ollama-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

const WAV = Buffer.from("RIFF\0\0\0\0WAVEfmt ", "latin1");

test.each<[string, string[]]>([
  ["see /a/b.png", ["/a/b.png"]],
  ["./relative\\ path/one.png then /two.JPeG", ["./relative\\ path/one.png", "/two.JPeG"]],
  ["C:\\pictures\\x.webp", ["C:\\pictures\\x.webp"]],
  ["/un escaped/three.jpg!", ["/un escaped/three.jpg"]],
  ["/not/an/image.svg", []],
  ["no slash.png", []],
  ["/line\nbreak.png", []],
  ["/.png", []],
  ["/a.pngs", []],
  ["/a.png/b.wav", ["/a.png", "/b.wav"]],
])("the paths in %p are found", (text, paths) => {
  expect(findPaths(text)).toEqual(paths);
});

test("a long text of slashes is searched in no time", () => {
  const startedMs = performance.now();
  expect(findPaths("/".repeat(2_000_000))).toEqual([]);
  expect(findPaths(`${"/a".repeat(500_000)}.png`)).toHaveLength(1);
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

test("sounds are announced as such, and each file is taken once", async () => {
  const path = join(folder, "voice.wav");
  await writeFile(path, WAV);
  const stderr = new Pipe();
  const taken = await takeFiles(`write down ${path} and '${path}' `, stderr);
  expect(taken).toEqual({ text: "write down  and", images: [WAV.toString("base64")] });
  expect(stderr.text).toBe(`Added audio '${path}'\n`);
});

test("a file that is no picture is refused, and so is a folder", async () => {
  const path = join(folder, "text.png");
  await writeFile(path, "hello");
  const stderr = new Pipe();
  expect((await rejection(takeFiles(`see ${path}`, stderr))).message).toContain("invalid file type: text/plain");
  expect(stderr.text).toBe('Couldn\'t process file: "invalid file type: text/plain"\n');
  await writeFile(path, "");
  await rm(path);
  await Bun.write(join(folder, "folder.png/file"), "");
  expect((await rejection(takeFiles(`see ${join(folder, "folder.png")}`, stderr))).message).toContain(
    "is not a regular file",
  );
});
