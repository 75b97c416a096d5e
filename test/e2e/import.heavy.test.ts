// `ollama create` from directories as Hugging Face lays them out: the real all-MiniLM-L6-v2 against its reference vectors
// (test/fixtures/convert/record-minilm.py), tiny models of other families, and what must be refused.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import recordedLogits from "../fixtures/convert/logits.json";
import recorded from "../fixtures/convert/minilm.json";
import { type Finished, runProgram } from "../support/program.ts";
import { realTokenizer } from "../support/real-tokenizers.ts";
import { startServer, type TestServer } from "../support/server.ts";
import {
  type Files,
  json,
  safetensors,
  tensorsOf,
  tinyCheckpoint,
  type TinyCheckpoint,
} from "../support/tiny-checkpoint.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 120_000;
const folder = mkdtempSync(join(tmpdir(), "import-"));
let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const tiny = (name: string): TinyCheckpoint =>
  recordedLogits.models.find((model) => model.name === name) as unknown as TinyCheckpoint;

/** A directory of its own with these files. */
function directoryOf(name: string, files: Files): string {
  const directory = join(folder, name);
  for (const [file, bytes] of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), bytes);
  }
  return directory;
}

function create(cwd: string, ...args: string[]): Promise<Finished> {
  return runProgram(["create", ...args], { env: server.env, cwd, limitMs: LIMIT_MS });
}

const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? NaN), 0);
const blobs = (): string[] => readdirSync(join(server.home.modelsDir, "blobs"));

describe("all-MiniLM-L6-v2", () => {
  test.each([
    ["f16", [], "F16", 0.99999],
    ["f32", ["--quantize", "f32"], "F32", 0.99999],
    ["q8_0", ["--quantize", "q8_0"], "Q8_0", 0.999],
  ] as const)(
    "imported as %s gives the vectors of sentence-transformers",
    async (name, flags, level, least) => {
      const { exit, stderr } = await create(await realTokenizer("minilm"), `minilm-${name}`, ...flags);
      expect([exit, stderr]).toEqual([0, expect.stringContaining("converting model")]);
      for (const { text, tokens, vector } of recorded.texts) {
        const answer = await client.ask<{ embeddings: number[][]; prompt_eval_count: number }>("/api/embed", {
          model: `minilm-${name}`,
          input: text,
        });
        expect(answer.prompt_eval_count).toBe(tokens);
        expect(cosine(answer.embeddings[0] ?? [], vector)).toBeGreaterThan(least);
      }
      const shown = await client.ask<{ capabilities: string[]; tensors: { name: string; type: string }[] }>(
        "/api/show",
        {
          model: `minilm-${name}`,
        },
      );
      expect(shown.capabilities).toEqual(["embedding"]);
      expect(shown.tensors.find(({ name: each }) => each === "token_embd.weight")?.type).toBe(level);
    },
    LIMIT_MS,
  );

  test("quantized, it is shown as such, and the step between is gone", async () => {
    const { details, modelfile } = await client.ask<{
      details: { quantization_level: string; family: string };
      modelfile: string;
    }>("/api/show", { model: "minilm-q8_0" });
    expect(details).toMatchObject({ quantization_level: "Q8_0", family: "bert" });
    const run = await runProgram(["run", "minilm-q8_0", "a text"], { env: server.env, limitMs: LIMIT_MS });
    expect([run.exit, run.stdout]).toEqual([0, expect.stringMatching(/^\[-?0\.\d+/) as string]);
    const kept = await Promise.all(
      ["f16", "f32", "q8_0"].map(async (name) => {
        const shown = await client.ask<{ modelfile: string }>("/api/show", { model: `minilm-${name}` });
        return /^FROM .*(sha256-\w+)$/m.exec(shown.modelfile)?.[1];
      }),
    );
    expect(modelfile).toContain(kept[2] ?? "?");
    const large = blobs().filter((name) => statSync(join(server.home.modelsDir, "blobs", name)).size > 5_000_000);
    expect(large.sort()).toEqual(kept.map(String).sort());
  });

  test("leaves no second copy of its weights behind", () => {
    expect(
      blobs().filter((name) => name.includes("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")),
    ).toEqual([]);
    expect(blobs().filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("tiny models", () => {
  test.each(["llama-3.1", "mistral", "qwen2", "qwen3", "gemma2", "gemma3-with-eyes", "phi3-long"])(
    "%s is created from its directory and answers",
    async (name) => {
      const directory = directoryOf(name, tinyCheckpoint(tiny(name)));
      const { exit, stderr } = await create(directory, name);
      expect([exit, stderr]).toEqual([0, expect.stringContaining("success")]);
      const answer = await client.generate(name, "abc an", { num_predict: 3 }, { raw: true });
      expect(answer.prompt_eval_count).toBeGreaterThan(2);
      expect(answer.eval_count).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  test(
    "weights in parts, a Modelfile beside them, and what the makers recommend",
    async () => {
      const model = tiny("llama-1");
      const files = tinyCheckpoint(model);
      const tensors = Object.entries(tensorsOf(model.tensors, false));
      const parts = [tensors.slice(0, 7), tensors.slice(7)].map((part) => safetensors(Object.fromEntries(part)));
      const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
      const weight_map = Object.fromEntries(tensors.map(([name], i) => [name, names[i < 7 ? 0 : 1]]));
      files.delete("model.safetensors");
      names.forEach((name, i) => files.set(name, parts[i] ?? new Uint8Array()));
      files.set("model.safetensors.index.json", json({ weight_map }));
      files.set("generation_config.json", json({ temperature: 0.6, top_p: 0.9, eos_token_id: [2, 3] }));
      files.set("chat_template.jinja", new TextEncoder().encode("{{ messages[-1].content }}!"));
      const directory = directoryOf("parts", files);
      writeFileSync(join(folder, "Modelfile"), "FROM ./parts\nPARAMETER temperature 0.1\nSYSTEM be brief\n");
      const { exit, stderr } = await create(folder, "parts");
      expect([exit, stderr]).toEqual([0, expect.stringContaining("success")]);
      const shown = await client.ask<{ parameters: string; template: string; model_info: Record<string, unknown> }>(
        "/api/show",
        { model: "parts" },
      );
      expect(shown.parameters).toMatch(/temperature +0\.1\n/);
      expect(shown.parameters).toMatch(/top_p +0\.9/);
      expect(shown.template).toContain("messages[-1]");
      expect(shown.model_info["tokenizer.ggml.eot_token_id"]).toBe(3);
      rmSync(join(directory, names[1] ?? ""));
      const missing = await create(directory, "missing");
      expect([missing.exit, missing.stderr]).toEqual([1, expect.stringContaining(`missing: ${names[1]}`)]);
    },
    LIMIT_MS,
  );
});

describe("refused with the reason, leaving no model behind", () => {
  const llama = (): Files => tinyCheckpoint(tiny("llama-1"));

  async function refusal(name: string, directory: string, ...flags: string[]): Promise<string> {
    const before = await client.fetch("/api/tags").then((response) => response.text());
    const { exit, stderr } = await create(directory, name, ...flags);
    expect(exit).toBe(1);
    expect(await client.fetch("/api/tags").then((response) => response.text())).toBe(before);
    expect(blobs().filter((blob) => blob.startsWith("."))).toEqual([]);
    return stderr.trimEnd().split("\n").at(-1) ?? "";
  }

  test(
    "an architecture that is not known",
    async () => {
      const files = llama();
      files.set("config.json", json({ architectures: ["QuantumForCausalLM"] }));
      const reason = await refusal("quantum", directoryOf("quantum", files));
      expect(reason).toMatch(/^Error: unsupported architecture "QuantumForCausalLM".*LlamaForCausalLM.*BertModel/);
    },
    LIMIT_MS,
  );

  test(
    "a pickle",
    async () => {
      const files = llama();
      files.delete("model.safetensors");
      files.set("pytorch_model.bin", new TextEncoder().encode("PK\u0003\u0004"));
      const reason = await refusal("pickle", directoryOf("pickle", files));
      expect(reason).toMatch(/pytorch_model\.bin is a Python pickle.*safetensors/);
    },
    LIMIT_MS,
  );

  test(
    "a link that leads out of the directory",
    async () => {
      const files = llama();
      files.delete("tokenizer_config.json");
      const directory = directoryOf("link", files);
      writeFileSync(join(folder, "secret.json"), "{}");
      symlinkSync(join(folder, "secret.json"), join(directory, "tokenizer_config.json"));
      expect(await refusal("link", directory)).toMatch(/insecure path/);
    },
    LIMIT_MS,
  );
});

test(
  "Ctrl-C during a conversion ends it, and nothing is left of it",
  async () => {
    const files = heavyLlama();
    const uploaded = await Promise.all([...files].map(async ([name, bytes]) => [name, await upload(bytes)] as const));
    const abort = new AbortController();
    const response = await client.post(
      "/api/create",
      { model: "big", files: Object.fromEntries(uploaded) },
      abort.signal,
    );
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; !text.includes('"completed"');) text += (await reader?.read())?.value ?? "";
    abort.abort();
    const endMs = Date.now() + 10_000;
    while (blobs().some((name) => name.startsWith("."))) {
      if (Date.now() > endMs) throw new Error("the conversion's file is still there");
      await Bun.sleep(20);
    }
    expect(await client.fetch("/api/tags").then((each) => each.text())).not.toContain('"big');
  },
  LIMIT_MS,
);

/** The tiny llama with zeros for a large vocabulary: it takes long enough to be interrupted. */
function heavyLlama(): Files {
  const model = tiny("llama-1");
  const files = tinyCheckpoint(model);
  const rows = 1_500_000;
  const large = { type: "F32", shape: [rows, 64], data: new Uint8Array(rows * 64 * 4) };
  const tensors = { ...tensorsOf(model.tensors, false), "model.embed_tokens.weight": large, "lm_head.weight": large };
  files.set("config.json", json({ ...model.config, vocab_size: rows }));
  files.set("model.safetensors", safetensors(tensors));
  return files;
}

async function upload(bytes: Uint8Array): Promise<string> {
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
  const response = await client.fetch(`/api/blobs/${digest}`, { method: "POST", body: bytes });
  if (!response.ok) throw new Error(await response.text());
  return digest;
}
