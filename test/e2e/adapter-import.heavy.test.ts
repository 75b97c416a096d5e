// LoRA adapters from safetensors, as peft and as MLX save them, against the same checkpoint with the product added to its
// weights before it was converted.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import recordedLogits from "../fixtures/convert/logits.json";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { mergedCheckpoint, tinyAdapter } from "../support/tiny-adapter.ts";
import { type Files, json, tinyCheckpoint, type TinyCheckpoint } from "../support/tiny-checkpoint.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 120_000;
const FAMILIES = ["llama-1", "llama-3.1", "gemma2", "gemma3"] as const;
const tiny = (name: string): TinyCheckpoint =>
  recordedLogits.models.find((model) => model.name === name) as unknown as TinyCheckpoint;

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer({ env: { OLLAMA_KV_CACHE_TYPE: "f32", OLLAMA_FLASH_ATTENTION: "0" } });
  client = new NativeClient(server);
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function write(name: string, files: Files): string {
  const folder = join(server.home.path, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of files) writeFileSync(join(folder, file), bytes);
  return folder;
}

async function create(model: string, modelfile: string, ...flags: string[]): Promise<{ exit: number; stderr: string }> {
  writeFileSync(join(server.home.path, "Modelfile"), modelfile);
  return runProgram(["create", model, "-f", "Modelfile", ...flags], { env: server.env, cwd: server.home.path });
}

async function importModel(model: string, files: Files): Promise<void> {
  write(`${model}-checkpoint`, files);
  expect(await create(model, `FROM ./${model}-checkpoint\n`, "--quantize", "f32")).toMatchObject({ exit: 0 });
}

interface Logprobs {
  readonly logprobs: readonly { readonly top_logprobs: readonly { bytes?: readonly number[]; logprob: number }[] }[];
}

async function probabilities(model: string): Promise<Map<string, number>> {
  const answer = await client.ask<Logprobs>("/api/generate", {
    model,
    prompt: "abc abd bca",
    raw: true,
    logprobs: true,
    top_logprobs: 20,
    options: { temperature: 0, num_predict: 1 },
  });
  return new Map(answer.logprobs[0]?.top_logprobs.map(({ bytes = [], logprob }) => [bytes.join(), logprob]));
}

async function difference(left: string, right: string): Promise<number> {
  const [a, b] = [await probabilities(left), await probabilities(right)];
  const shared = [...a.keys()].filter((token) => b.has(token));
  expect(shared.length).toBeGreaterThan(0);
  return Math.max(...shared.map((token) => Math.abs((a.get(token) ?? 0) - (b.get(token) ?? 0))));
}

const blobs = (): string[] => readdirSync(join(server.home.modelsDir, "blobs")).sort();

describe.each(FAMILIES)("an adapter of %s", (family) => {
  beforeAll(async () => {
    await importModel(family, tinyCheckpoint(tiny(family)));
    await importModel(`${family}-merged`, mergedCheckpoint(tiny(family), 1));
    await importModel(`${family}-half`, mergedCheckpoint(tiny(family), 0.5));
  }, LIMIT_MS);

  test.each(["peft", "mlx"] as const)(
    "saved by %s has the effect of the merged weights, whole and at half its strength",
    async (style) => {
      const [whole, half] = [`${family}-${style}`, `${family}-${style}-half`];
      write(`${family}-${style}-files`, tinyAdapter(tiny(family), style));
      const made = await create(whole, `FROM ${family}\nADAPTER ./${family}-${style}-files\n`);
      expect([made.exit, made.stderr]).toEqual([0, expect.stringContaining("converting adapter") as string]);
      expect(await create(half, `FROM ${family}\nADAPTER ./${family}-${style}-files 0.5\n`)).toMatchObject({ exit: 0 });
      // Rounding on two ways to the same sum, next to what the adapter does.
      const effect = await difference(whole, family);
      expect(effect).toBeGreaterThan(0.5);
      expect(await difference(whole, `${family}-merged`)).toBeLessThan(effect / 1000);
      expect(await difference(half, `${family}-half`)).toBeLessThan(effect / 1000);
      expect(await difference(half, `${family}-merged`)).toBeGreaterThan(effect / 10);
    },
    LIMIT_MS,
  );
});

describe("refused, and nothing stays behind", () => {
  test.each([
    ["another width", "llama-1", tinyAdapter(tiny("gemma3"), "peft"), "the adapter does not fit this model"],
    [
      "another rank",
      "llama-1",
      tinyAdapter(tiny("llama-1"), "peft").set("adapter_config.json", json({ r: 9, lora_alpha: 1 })),
      "adapter_config.json has r = 9",
    ],
  ])("%s", async (_, base, files, reason) => {
    write("refused", files);
    const before = blobs();
    const made = await create("never", `FROM ${base}\nADAPTER ./refused\n`);
    expect([made.exit, made.stderr]).toEqual([1, expect.stringContaining(reason) as string]);
    expect((await client.post("/api/show", { model: "never" })).status).toBe(404);
    // What was uploaded stays for another attempt, as in Ollama; nothing was made of it.
    const added = blobs().filter((name) => !before.includes(name));
    expect(added.length).toBeLessThanOrEqual(files.size);
  });
});
