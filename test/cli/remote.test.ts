// `ollama remote`, and Modelfiles of models that engines elsewhere serve.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { gather } from "../../src/cli/create/gather.ts";
import { interpretModelfile } from "../../src/formats/modelfile/interpret.ts";
import { parseModelfile } from "../../src/formats/modelfile/parse.ts";
import { readAllowed } from "../../src/remotes/allowed-remotes.ts";
import { runCli } from "../support/cli.ts";
import { selfSigned } from "../support/self-signed.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const file = () => join(home.path, ".ollama", "remotes.json");
/** No server is asked: none is there. */
const remote = (stdin: string, ...words: readonly string[]) =>
  runCli({ baseUrl: "http://127.0.0.1:1", home: home.path, stdin }, "remote", ...words);

test("allow keeps a key from standard input, and list does not show it", async () => {
  const allowed = await remote("sk-secret\n", "allow", "https://gpu.example/v1", "--key-stdin");
  expect(allowed).toEqual({ exit: 0, stdout: "allowed https://gpu.example, with a key\n", stderr: "" });
  expect(await readAllowed(file())).toEqual([{ origin: "https://gpu.example", key: "sk-secret" }]);
  const listed = (await remote("", "list")).stdout;
  expect(listed).toContain("https://gpu.example");
  expect(listed).not.toContain("sk-secret");
});

test("allowing again keeps the key and adds an authority; forget removes both", async () => {
  const { cert } = await selfSigned();
  await Bun.write(join(home.path, "ca.pem"), cert);
  await remote("sk-secret", "allow", "https://gpu.example", "--key-stdin");
  await remote("", "allow", "https://gpu.example", "--ca", join(home.path, "ca.pem"));
  expect(await readAllowed(file())).toEqual([{ origin: "https://gpu.example", key: "sk-secret", ca: cert }]);
  expect((await remote("", "forget", "https://gpu.example/v1")).stdout).toBe("forgot https://gpu.example\n");
  expect(await readAllowed(file())).toEqual([]);
});

test("a key on an unencrypted way is warned of", async () => {
  const { exit, stderr } = await remote("", "allow", "gpu:8000", "--key-env", "GPU_KEY");
  expect([exit, stderr]).toEqual([
    0,
    "warning: http://gpu:8000 is not encrypted: the key and all conversations can be read on the way\n",
  ]);
  expect(await readAllowed(file())).toEqual([{ origin: "http://gpu:8000", keyEnv: "GPU_KEY" }]);
});

test.each([
  [["allow"], "use: ollama remote allow HOST"],
  [["frobnicate", "x"], "use: ollama remote allow HOST"],
  [["forget", "https://nobody"], "https://nobody was not allowed"],
  [["allow", "https://u:p@x"], "keys are set with: ollama remote allow"],
  [["allow", "https://x", "--key-stdin"], "the key is empty"],
  [["allow", "https://x", "--key-env", "A B"], "is no name of an environment variable"],
  [["allow", "https://x", "--ca", "/nonexistent"], "no such file or directory"],
  [["list", "--key-stdin"], "flags belong to: remote allow"],
])("remote %p is refused and writes nothing", async (words, message) => {
  const { exit, stderr } = await remote("", ...words);
  expect([exit, stderr.includes(message)]).toEqual([1, true]);
  expect(await readAllowed(file())).toEqual([]);
});

const gathered = (...lines: readonly string[]) =>
  gather("m", interpretModelfile(parseModelfile(lines.join("\n"))), home.path);

test("FROM lines with REMOTE_MODEL are addresses", async () => {
  const { request } = await gathered(
    "FROM https://a/v1",
    "FROM https://b/v1",
    "REMOTE_MODEL org/big",
    "SYSTEM Be kind.",
  );
  expect(request).toEqual({
    model: "m",
    from: "org/big",
    remote_host: "https://a/v1,https://b/v1",
    system: "Be kind.",
  });
});

test.each([
  [["FROM llama3", "REMOTE_MODEL big"], "REMOTE_MODEL needs a FROM that is the engine's address"],
  [["FROM https://a/v1"], "which model at https://a/v1? add a line: REMOTE_MODEL name"],
  [["FROM https://a/v1", "REMOTE_MODEL x", "ADAPTER ./a"], "ADAPTER and DRAFT belong to weights"],
])("%p is refused", (lines, message) => {
  expect(gathered(...lines)).rejects.toThrow(message);
});
