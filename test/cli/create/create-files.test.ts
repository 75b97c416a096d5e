// From a Modelfile's paths to what is uploaded.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { digestOf } from "../../../src/base/digest.ts";
import { requestFileNames } from "../../../src/cli/create/file-names.ts";
import { gather } from "../../../src/cli/create/gather.ts";
import { localFiles } from "../../../src/cli/create/local-files.ts";
import { readModelfile } from "../../../src/cli/create/read-modelfile.ts";
import { interpretModelfile } from "../../../src/formats/modelfile/interpret.ts";
import { parseModelfile } from "../../../src/formats/modelfile/parse.ts";
import { rejection } from "../../support/rejection.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "ollama-test-")));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const gathered = (...lines: readonly string[]) =>
  gather("m", interpretModelfile(parseModelfile(lines.join("\n"))), folder);

test("a file is hashed, and nothing is no file", async () => {
  await writeFile(at("a.gguf"), "GGUF");
  expect(await localFiles(at("a.gguf"))).toMatchObject([
    { path: at("a.gguf"), digest: digestOf("GGUF"), state: { size: 4n } },
  ]);
  expect(await localFiles(at("none"))).toBeUndefined();
  expect(await localFiles(at("a.gguf/below"))).toBeUndefined();
});

test("a folder gives the files that make up its model", async () => {
  await mkdir(at("model/nested"), { recursive: true });
  await writeFile(at("model/model-1.safetensors"), "1");
  await writeFile(at("model/nested/model-2.safetensors"), "2");
  await writeFile(at("model/config.json"), "{}");
  await writeFile(at("model/README.md"), "no");
  const files = await localFiles(at("model"));
  expect(files?.map(({ path }) => path.slice(folder.length))).toEqual([
    "/model/model-1.safetensors",
    "/model/nested/model-2.safetensors",
    "/model/config.json",
  ]);
});

test("FROM a path where nothing is says so, instead of taking it for a model's name", async () => {
  for (const from of ["./none.gguf", "/none/at/all", "none.gguf"]) {
    const { message } = await rejection(gathered(`FROM ${from}`));
    expect(message).toEndWith("no such file or directory");
    expect(message).toContain(from.replace("./", ""));
  }
  expect((await gathered("FROM llama3.2")).request.from).toBe("llama3.2");
  expect((await gathered("FROM hf.co/owner/model:Q4_K_M")).request.from).toBe("hf.co/owner/model:Q4_K_M");
});

test("a folder without a model is refused in Ollama's words", async () => {
  expect((await rejection(localFiles(folder))).message).toContain("no Modelfile or safetensors files found");
});

test("a link that leads out of its folder is refused, one that stays inside is followed", async () => {
  await mkdir(at("model"));
  await writeFile(at("secret"), Buffer.from([0, 1, 2]));
  await symlink("../secret", at("model/a.gguf"));
  expect((await rejection(localFiles(at("model")))).message).toContain("insecure path: ../secret");
  await rm(at("model/a.gguf"));
  await writeFile(at("model/real"), Buffer.from([0, 1, 2]));
  await symlink("real", at("model/a.gguf"));
  expect((await localFiles(at("model")))?.map(({ path }) => path)).toEqual([at("model/real")]);
});

test.skipIf(process.platform === "win32")("a device or a pipe is refused without being read", async () => {
  expect((await rejection(localFiles("/dev/zero"))).message).toContain("/dev/zero is not a regular file");
  await Bun.spawn(["mkfifo", at("pipe")]).exited;
  expect((await rejection(localFiles(at("pipe")))).message).toContain("pipe is not a regular file");
});

test("files are named by the folder they share, a single one by its bare name", () => {
  expect([...requestFileNames(["/a/b/c.gguf"])]).toEqual([["/a/b/c.gguf", "c.gguf"]]);
  expect([...requestFileNames(["/a/b/c", "/a/d/e", "/a/b/f"]).values()]).toEqual(["b/c", "d/e", "b/f"]);
  expect([...requestFileNames(["/a/b", "/c"]).values()]).toEqual(["a/b", "c"]);
});

test("FROM is a file where there is one, and a model's name otherwise", async () => {
  await writeFile(at("a.gguf"), "GGUF");
  const digest = digestOf("GGUF");
  expect(await gathered("FROM ./a.gguf", 'SYSTEM ""', "FROM ./a.gguf", "LICENSE one", "LICENSE two")).toMatchObject({
    request: { model: "m", files: { "a.gguf": digest }, license: ["one", "two"] },
    uploads: [{ path: at("a.gguf"), digest }],
  });
  expect(await gathered("FROM llama3.2:1b", "PARAMETER top_k 5", "MESSAGE user hi", "REQUIRES v0.5")).toEqual({
    request: {
      model: "m",
      from: "llama3.2:1b",
      parameters: { top_k: 5 },
      messages: [{ role: "user", content: "hi" }],
      requires: "0.5",
    },
    uploads: [],
    hasDraft: false,
  });
});

test("several adapters go along together, and each must be there", async () => {
  await writeFile(at("one"), "1");
  await writeFile(at("two"), "2");
  const { request } = await gathered("FROM base", "ADAPTER ./one", "ADAPTER ./two");
  expect(request.adapters).toEqual({ one: digestOf("1"), two: digestOf("2") });
  expect((await rejection(gathered("FROM base", "ADAPTER ./none"))).message).toContain(
    `stat ${at("none")}: no such file or directory`,
  );
});

test("a draft must be another file than the model", async () => {
  await writeFile(at("a.gguf"), "GGUF");
  await symlink("a.gguf", at("b.gguf"));
  const message = `DRAFT must not reference the same local path as FROM: ${at("b.gguf")}`;
  expect((await rejection(gathered("FROM ./a.gguf", "DRAFT ./b.gguf"))).message).toContain(message);
});

test("a Modelfile that is not there means the current folder", async () => {
  const { bytes, folder: from } = await readModelfile(at("nope"));
  expect([new TextDecoder().decode(bytes), from]).toEqual(["FROM .\n", process.cwd()]);
  expect((await rejection(readModelfile(folder))).message).toContain(`read ${folder}: is a directory`);
});

test.skipIf(process.platform === "win32")("a Modelfile without end is given up", async () => {
  expect((await rejection(readModelfile("/dev/zero"))).message).toContain("no Modelfile");
});
