// Run as a program, for its noise on stderr: the logits of a tiny model after one token, and what llama.cpp's own chain draws
// from them. Arguments: the model's file, a JSON list of sampling parameters, and how often to draw.

import { join } from "node:path";
import { openBareEngine } from "../../scripts/bare-engine.ts";
import { LlamaChain } from "../../scripts/llama-sampler.ts";
import type { SampleParams } from "../../src/runner/engine/sampler.ts";
import { Batch } from "../../src/runner/llama/batch.ts";

const [path = "", settings = "[]", times = "1"] = process.argv.slice(2);
const name = `linux-${process.arch}`;
const directory = join(import.meta.dir, "../../node_modules/@node-llama-cpp", name, "bins", name);
const { llama, context } = openBareEngine(directory, path);
const batch = new Batch(32);
batch.clear();
batch.add(5, 0, 0, true);
if (context.decode(batch) !== 0) throw new Error("the token could not be evaluated");
const drawn = (JSON.parse(settings) as SampleParams[]).map((params) => {
  const chain = new LlamaChain(llama, params);
  return Array.from({ length: Number(times) }, () => chain.sample(context, 0));
});
console.log(JSON.stringify({ logits: Array.from(context.logits(0) ?? []), drawn }));
process.exit(0);
