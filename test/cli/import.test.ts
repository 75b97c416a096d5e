// `import`: models of other programs, found where those keep them, and used where they lie.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { humanBytes } from "../../src/base/bytes.ts";
import { digestHex, digestOf } from "../../src/base/digest.ts";
import { importName } from "../../src/cli/import/find-importable.ts";
import { type AppServer, startApp } from "../support/app-server.ts";
import { runCli } from "../support/cli.ts";
import type { Finished } from "../support/program.ts";
import { splitGguf } from "../support/split-gguf.ts";
import { layoutBytes, tinyGguf, tinyLayout, tinyProjectorLayout } from "../support/tiny-gguf.ts";

const weights = tinyGguf("llama");
const shards = splitGguf("big-Q6_K", tinyLayout("gemma3"), 3);
const projector = layoutBytes(tinyProjectorLayout());
let app: AppServer;

async function write(path: string, content: Uint8Array | string): Promise<string> {
  const full = join(app.home.path, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
  return full;
}

/** As huggingface_hub lays it out: a snapshot of links to blobs named by their content. */
async function cached(repository: string, file: string, content: Uint8Array): Promise<void> {
  const folder = `.cache/huggingface/hub/models--${repository.replace("/", "--")}`;
  const blob = await write(`${folder}/blobs/${digestHex(digestOf(content))}`, content);
  const link = join(app.home.path, folder, "snapshots/0123abcd", file);
  await mkdir(dirname(link), { recursive: true });
  await symlink(blob, link);
}

beforeAll(async () => {
  app = await startApp();
  await cached("some/Tiny-GGUF", "tiny-Q4_K_M.gguf", weights);
  await cached("some/Tiny-GGUF", "Q8_0/tiny-Q8_0.gguf", tinyGguf("lfm2"));
  await cached("some/Tiny-GGUF", "half-Q5_K_M-00001-of-00002.gguf", Buffer.from("GGUF, but a part"));
  for (const { name, bytes } of shards) await cached("some/Split-GGUF", `Q6_K/${name}`, bytes);
  await cached("some/Seeing-GGUF", "tiny-Q4_K_M.gguf", Buffer.concat([weights, Buffer.alloc(96)]));
  await cached("some/Seeing-GGUF", "Q8_0/tiny-Q8_0.gguf", Buffer.concat([weights, Buffer.alloc(128)]));
  await cached("some/Seeing-GGUF", "mmproj-BF16.gguf", Buffer.from("GGUF, but not the one that is taken"));
  await cached("some/Seeing-GGUF", "mmproj-F16.gguf", projector);
  await write(".lmstudio/models/maker/Only-GGUF/mmproj-F16.gguf", projector);
  await write(".lmstudio/models/maker/Other-GGUF/other.Q5_K_S.gguf", Buffer.concat([weights, Buffer.alloc(32)]));
  await write(".lmstudio/models/maker/Other-GGUF/broken.Q2_K.gguf", "not a GGUF");
  await write("big disk/models/third/Chosen/chosen.gguf", Buffer.concat([weights, Buffer.alloc(64)]));
  await write(".lmstudio/settings.json", JSON.stringify({ downloadsFolder: join(app.home.path, "big disk/models") }));
});

afterAll(() => app[Symbol.asyncDispose]());

function ollama(...argv: readonly string[]): Promise<Finished> {
  return runCli({ baseUrl: app.baseUrl, home: app.home.path, stdin: "" }, ...argv);
}

test("the list names what is a whole model, and where it was found", async () => {
  const { stdout } = await ollama("import");
  const rows = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(rows.slice(0, -1).map(([name, , source]) => [name, source])).toEqual([
    ["NAME", "FOUND IN"],
    ["maker/Other-GGUF:Q5_K_S", "LM Studio"],
    ["some/Seeing-GGUF:Q4_K_M", "Hugging Face"],
    ["some/Seeing-GGUF:Q8_0", "Hugging Face"],
    ["some/Split-GGUF:Q6_K", "Hugging Face"],
    ["some/Tiny-GGUF:Q4_K_M", "Hugging Face"],
    ["some/Tiny-GGUF:Q8_0", "Hugging Face"],
    ["third/Chosen:chosen", "LM Studio"],
  ]);
});

test("one of them becomes a model, without a second copy where the disk allows it", async () => {
  const { exit, stderr } = await ollama("import", "SOME/tiny-gguf:q4_k_m");
  expect([exit, stderr]).toEqual([0, expect.stringContaining("success")]);
  expect((await ollama("list")).stdout).toContain("some/Tiny-GGUF:Q4_K_M");
  if (stderr.includes("as a hard link")) {
    const hub = join(
      app.home.path,
      ".cache/huggingface/hub/models--some--Tiny-GGUF/blobs",
      digestHex(digestOf(weights)),
    );
    const blob = join(app.home.modelsDir, "blobs", `sha256-${digestHex(digestOf(weights))}`);
    expect((await stat(blob)).ino).toBe((await stat(hub)).ino);
  }
});

test("a name of one's own, and a name without its tag", async () => {
  expect((await ollama("import", "maker/Other-GGUF", "mine", "--copy")).exit).toBe(0);
  expect((await ollama("list")).stdout).toContain("mine:latest");
  expect((await readdir(join(app.home.modelsDir, "manifests/registry.ollama.ai"))).sort()).toContain("library");
});

async function layersOf(name: string): Promise<Map<string, { readonly digest: string; readonly size: number }>> {
  const path = join(app.home.modelsDir, "manifests/registry.ollama.ai", name);
  const { layers } = JSON.parse(await readFile(path, "utf8")) as {
    layers: { mediaType: string; digest: string; size: number }[];
  };
  return new Map(layers.map((layer) => [layer.mediaType.split(".").at(-1) ?? "", layer]));
}

test("a split model is one entry, as large as its parts, and becomes one model", async () => {
  const { stdout } = await ollama("import");
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes.length, 0);
  expect(stdout).toMatch(new RegExp(`some/Split-GGUF:Q6_K +${humanBytes(bytes)} `));
  const { exit, stderr } = await ollama("import", "some/Split-GGUF");
  expect([exit, stderr]).toEqual([0, expect.stringContaining("merging 3 shards")]);
  const model = (await layersOf("some/Split-GGUF/Q6_K")).get("model");
  expect(model?.size).toBeGreaterThan(Math.max(...shards.map((shard) => shard.bytes.length)));
});

test.each(["Q4_K_M", "Q8_0"])("a model is made with the projector that lies beside it or above (%s)", async (tag) => {
  expect((await ollama("import", `some/Seeing-GGUF:${tag}`)).exit).toBe(0);
  const layers = await layersOf(`some/Seeing-GGUF/${tag}`);
  expect(layers.get("projector")?.digest).toBe(digestOf(projector));
  expect(layers.get("model")?.size).toBe(weights.length + (tag === "Q8_0" ? 128 : 96));
});

test("what cannot be meant is told with what can", async () => {
  expect((await ollama("import", "nothing")).stderr).toContain(
    `there is no "nothing" to import; 'ollama import' lists`,
  );
  expect((await ollama("import", "some/Tiny-GGUF")).stderr).toContain(
    "name one of some/Tiny-GGUF:Q4_K_M, some/Tiny-GGUF:Q8_0",
  );
  expect((await ollama("import", "maker/Other-GGUF", "a b")).stderr).toContain("invalid model name: a b");
  expect((await ollama("import", "a", "b", "c")).stderr).toContain("name one file to import");
});

test("no caches: where was looked is said, without a server", async () => {
  const { exit, stdout } = await runCli({ baseUrl: "http://127.0.0.1:9", home: "/nonexistent" }, "import");
  expect([exit, stdout]).toEqual([0, expect.stringContaining("/nonexistent/.cache/huggingface/hub")]);
});

test.each([
  ["model-Q4_K_M.gguf", "p/r:Q4_K_M"],
  ["model.IQ3_XXS.gguf", "p/r:IQ3_XXS"],
  ["model-UD-Q4_K_XL.gguf", "p/r:UD-Q4_K_XL"],
  ["Qwen2.5-0.5B.f16.gguf", "p/r:f16"],
  ["gpt-oss-20b-MXFP4.gguf", "p/r:MXFP4"],
  ["big-Q4_K_M-00001-of-00003.gguf", "p/r:Q4_K_M"],
  ["plain.gguf", "p/r:plain"],
  ["ein name mit ü.gguf", "p/r:ein-name-mit-"],
])("%s is called %s", (file, name) => {
  expect(importName({ publisher: "p", repository: "r", path: `/x/${file}` })).toBe(name);
});
