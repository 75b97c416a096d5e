// Real tokenizers, converted: the ids of 1,000 texts must be those that Hugging Face's tokenizers give
// (test/fixtures/convert/record-tokens.py). Each tokenizer stands in a model with as many rows and hardly any width.

import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import recorded from "../fixtures/convert/tokens.json";
import { convertFiles } from "../support/convert-files.ts";
import { loadGguf } from "../support/evaluate-gguf.ts";
import { type RealTokenizer, realTokenizer } from "../support/real-tokenizers.ts";
import { type Files, json, safetensors, type TinyTensor } from "../support/tiny-checkpoint.ts";

const LIMIT_MS = 120_000;
const texts = readFileSync(join(import.meta.dir, "../fixtures/convert/corpus.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as string);

const folder = mkdtempSync(join(tmpdir(), "tokens-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CARRIERS: Readonly<Record<Exclude<RealTokenizer, "minilm">, [architecture: string, rows: number]>> = {
  llama2: ["LlamaForCausalLM", 32_000],
  "llama3.1": ["LlamaForCausalLM", 128_256],
  qwen3: ["Qwen3ForCausalLM", 151_936],
  gemma3: ["Gemma3ForCausalLM", 262_208],
  gpt4o: ["Phi3ForCausalLM", 200_064],
  "mistral-v1": ["MistralForCausalLM", 32_000],
  "mistral-v3": ["MistralForCausalLM", 32_768],
};

async function filesOf(name: RealTokenizer): Promise<Files> {
  const directory = await realTokenizer(name);
  const names = readdirSync(directory, { recursive: true }) as string[];
  const files: Files = new Map(
    names
      .filter((each) => statSync(join(directory, each)).isFile())
      .map((each) => [each, readFileSync(join(directory, each))]),
  );
  return name === "minilm" ? files : withCarrier(files, ...CARRIERS[name]);
}

function withCarrier(files: Files, architecture: string, rows: number): Files {
  const width = 4;
  const zeros = (...shape: number[]): TinyTensor => {
    const count = shape.reduce((product, length) => product * length, 1);
    return { type: "F16", shape, data: new Uint8Array(count * 2) };
  };
  const layer = (names: string[], ...shape: number[]) =>
    Object.fromEntries(names.map((name) => [`model.layers.0.${name}.weight`, zeros(...shape)]));
  const isPhi = architecture.startsWith("Phi3");
  const norms = ["input_layernorm", "post_attention_layernorm"];
  if (architecture.startsWith("Gemma3")) norms.push("pre_feedforward_layernorm", "post_feedforward_layernorm");
  if (/^(?:Gemma3|Qwen3)/.test(architecture)) norms.push("self_attn.q_norm", "self_attn.k_norm");
  const tensors = {
    "model.embed_tokens.weight": zeros(rows, width),
    "model.norm.weight": zeros(width),
    ...layer(norms, width),
    ...layer(["self_attn.o_proj", "mlp.down_proj"], width, width),
    ...(isPhi
      ? { ...layer(["self_attn.qkv_proj"], 3 * width, width), ...layer(["mlp.gate_up_proj"], 2 * width, width) }
      : layer(
          ["q", "k", "v"].map((each) => `self_attn.${each}_proj`).concat("mlp.gate_proj", "mlp.up_proj"),
          width,
          width,
        )),
  };
  const config = {
    architectures: [architecture],
    vocab_size: rows,
    hidden_size: width,
    intermediate_size: width,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: width,
    max_position_embeddings: 128,
  };
  return new Map([...files, ["config.json", json(config)], ["model.safetensors", safetensors(tensors)]]);
}

const digest = (ids: readonly number[]): string => createHash("sha256").update(ids.join(" ")).digest("hex").slice(0, 8);

/**
 * Where llama.cpp itself cuts text otherwise, whatever the file says: its o200k rule takes no combining marks and no accented
 * capitals.
 */
const ENGINE_DIFFERS: Readonly<Record<string, RegExp>> = {
  gpt4o: /\p{M}|(?=\P{ASCII})\p{Lu}/u,
};

describe("a converted tokenizer gives the ids of the original", () => {
  test.each(Object.entries(recorded.tokenizers))(
    "%s",
    async (name, { hashes, tokens }) => {
      const path = join(folder, `${name}.gguf`);
      await Bun.write(path, await convertFiles(await filesOf(name as RealTokenizer)));
      using evaluation = await loadGguf(path);
      const different: string[] = [];
      const engineDiffers = ENGINE_DIFFERS[name];
      let [count, known] = [0, 0];
      for (const [i, text] of texts.entries()) {
        const ids = Array.from(evaluation.model.tokenize(text, { addSpecial: name === "minilm", parseSpecial: false }));
        count += ids.length;
        if (digest(ids) === hashes.slice(8 * i, 8 * i + 8)) continue;
        if (engineDiffers?.test(text) === true) known++;
        else different.push(text);
      }
      expect(different).toEqual([]);
      if (engineDiffers === undefined) expect(count).toBe(tokens);
      else console.log(`${name}: ${known} of ${texts.length} texts differ, as is llama.cpp's way`);
    },
    LIMIT_MS,
  );
});
