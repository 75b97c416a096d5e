// LoRA adapters at load. Their effect is computed a second time: a model whose weights have the adapter's product added to
// them must give the same probabilities as the model with the adapter, at every scale and for several adapters together.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../../src/base/digest.ts";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { layoutBytes, tinyAdapterLayout, tinyLayout, type TinyLayout } from "../support/tiny-gguf.ts";
import { text } from "../support/tiny-vocabulary.ts";
import { NativeClient } from "./native-client.ts";

const LIMIT_MS = 120_000;
const ALPHA = 8;
const RANK = 4;
const BASE = "base";

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  await client.createTiny(BASE, "llama");
  for (const seed of [2, 3])
    await writeFile(join(server.home.path, `lora${seed}.gguf`), layoutBytes(tinyAdapterLayout(seed)));
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const floats = (layout: TinyLayout, name: string): Float32Array => {
  const tensor = layout.tensors.find((one) => one.name === name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  return new Float32Array(tensor.data.buffer);
};

/** The base with `scale × alpha / rank × B·A` added to the weights that each adapter changes. */
function merged(adapters: readonly { readonly seed: number; readonly scale: number }[]): Uint8Array {
  const layout = tinyLayout("llama");
  for (const { seed, scale } of adapters) {
    const adapter = tinyAdapterLayout(seed);
    const name = "blk.0.attn_q.weight";
    const [a, b, weights] = [
      floats(adapter, `${name}.lora_a`),
      floats(adapter, `${name}.lora_b`),
      floats(layout, name),
    ];
    const inputs = a.length / RANK;
    for (let out = 0; out < b.length / RANK; out++) {
      for (let i = 0; i < inputs; i++) {
        let product = 0;
        for (let r = 0; r < RANK; r++) product += (b[out * RANK + r] ?? 0) * (a[r * inputs + i] ?? 0);
        weights[out * inputs + i] = (weights[out * inputs + i] ?? 0) + ((scale * ALPHA) / RANK) * product;
      }
    }
  }
  return layoutBytes(layout);
}

interface Logprobs {
  readonly logprobs: readonly { readonly top_logprobs: readonly { bytes: readonly number[]; logprob: number }[] }[];
}

/** Log-probabilities of the likeliest next tokens of a fixed text. */
async function probabilities(model: string): Promise<Map<string, number>> {
  const answer = await client.ask<Logprobs>("/api/generate", {
    model,
    prompt: "the quick brown fox jumps over the lazy dog",
    raw: true,
    logprobs: true,
    top_logprobs: 20,
    options: { temperature: 0, num_predict: 1 },
  });
  return new Map(answer.logprobs[0]?.top_logprobs.map(({ bytes, logprob }) => [bytes.join(), logprob]));
}

/** Over the tokens that are among the likeliest of both: nearly all for equal models, some for others. */
function largestDifference(left: Map<string, number>, right: Map<string, number>, leastShared = 15): number {
  const shared = [...left.keys()].filter((token) => right.has(token));
  expect(shared.length).toBeGreaterThanOrEqual(leastShared);
  return Math.max(...shared.map((token) => Math.abs((left.get(token) ?? 0) - (right.get(token) ?? 0))));
}

async function createWith(model: string, modelfile: string): Promise<{ exit: number; stderr: string }> {
  await writeFile(join(server.home.path, "Modelfile"), modelfile);
  return runProgram(["create", model, "-f", "Modelfile"], { env: server.env, cwd: server.home.path });
}

test.each([
  ["one", "ADAPTER ./lora2.gguf", [{ seed: 2, scale: 1 }]],
  ["one at half its strength", "ADAPTER ./lora2.gguf 0.5", [{ seed: 2, scale: 0.5 }]],
  ["one turned round", "ADAPTER ./lora2.gguf -1", [{ seed: 2, scale: -1 }]],
  [
    "two with scales",
    "ADAPTER ./lora2.gguf 0.25\nADAPTER ./lora3.gguf 1.5",
    [
      { seed: 2, scale: 0.25 },
      { seed: 3, scale: 1.5 },
    ],
  ],
])(
  "%s has the effect of the merged weights",
  async (name, lines, adapters) => {
    const model = `lora-${name.replaceAll(" ", "-")}`;
    expect(await createWith(model, `FROM ${BASE}\n${lines}\n`)).toMatchObject({ exit: 0 });
    await client.createFromBytes("merged", merged(adapters));
    const [plain, adapted, expected] = [
      await probabilities(BASE),
      await probabilities(model),
      await probabilities("merged"),
    ];
    expect(largestDifference(adapted, expected)).toBeLessThan(2e-3);
    expect(largestDifference(adapted, plain, 1)).toBeGreaterThan(2e-2);
    const shown = await runProgram(["show", "--modelfile", model], { env: server.env });
    expect(shown.stdout.match(/^ADAPTER .*$/gm)?.length).toBe(adapters.length);
  },
  LIMIT_MS,
);

test("a model built on it keeps adapter and scale", async () => {
  expect(await createWith("child", "FROM lora-one-at-half-its-strength\nSYSTEM hi\n")).toMatchObject({ exit: 0 });
  expect(
    largestDifference(await probabilities("child"), await probabilities("lora-one-at-half-its-strength")),
  ).toBeLessThan(1e-4);
});

test("an embedding is made with the adapter as well", async () => {
  const vector = async (model: string) =>
    (await client.ask<{ embeddings: number[][] }>("/api/embed", { model, input: "the quick brown fox" }))
      .embeddings[0] ?? [];
  await client.createFromBytes("merged", merged([{ seed: 2, scale: 1 }]));
  const [plain, adapted, expected] = [await vector(BASE), await vector("lora-one"), await vector("merged")];
  const cosine = (left: number[], right: number[]) => left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
  expect(cosine(adapted, expected)).toBeGreaterThan(0.9999);
  expect(cosine(adapted, plain)).toBeLessThan(0.9999);
});

describe("an adapter of another model is refused with the reason", () => {
  const other = (change: (layout: TinyLayout) => void): Uint8Array => {
    const layout = tinyAdapterLayout();
    change(layout);
    return layoutBytes(layout);
  };
  const rename = (layout: TinyLayout, from: string, to: string): void => {
    for (const [i, tensor] of layout.tensors.entries())
      layout.tensors[i] = { ...tensor, name: tensor.name.replace(from, to) };
  };
  test.each<[string, Uint8Array, string]>([
    [
      "another architecture",
      other(({ metadata }) => metadata.set("general.architecture", text("gemma3"))),
      "it was made for a gemma3 model and this is a llama model",
    ],
    [
      "a layer too many",
      other((layout) => rename(layout, "blk.0", "blk.9")),
      'the model has no tensor "blk.9.attn_q.weight"',
    ],
    [
      "another width",
      other((layout) => rename(layout, "attn_q", "ffn_down")),
      "the model's is [128, 64], the adapter's [64, 4] and [4, 64]",
    ],
    ["no adapter at all", layoutBytes(tinyLayout("llama")), "the file given as ADAPTER is not an adapter"],
  ])("%s", async (_, bytes, reason) => {
    const digest = digestOf(bytes);
    await client.fetch(`/api/blobs/${digest}`, { method: "POST", body: bytes });
    const answer = await client.post("/api/create", {
      model: "never",
      from: BASE,
      adapters: { "x.gguf": digest },
      stream: false,
    });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining(JSON.stringify(reason).slice(1, -1)) as string,
    ]);
    expect((await client.post("/api/show", { model: "never" })).status).toBe(404);
  });

  test("also when its manifest came from elsewhere", async () => {
    const bytes = other((layout) => rename(layout, "attn_q", "ffn_down"));
    const digest = digestOf(bytes);
    await client.fetch(`/api/blobs/${digest}`, { method: "POST", body: bytes });
    const folder = join(server.home.modelsDir, "manifests/registry.ollama.ai/library");
    const manifest = (await Bun.file(join(folder, BASE, "latest")).json()) as { layers: object[] };
    manifest.layers.push({ mediaType: "application/vnd.ollama.image.adapter", digest, size: bytes.length });
    await Bun.write(join(folder, "foreign/latest"), JSON.stringify(manifest));
    const answer = await client.post("/api/generate", { model: "foreign", prompt: "a", stream: false });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining("the adapter does not fit this model") as string,
    ]);
  });
});
