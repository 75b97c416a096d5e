// What one draw costs: llama.cpp's own chain and the engine's sampler, in turns, on the same logits of the same model. A program of
// its own (stdin: where the libraries and the model are), because llama.cpp writes much to stderr.

import { Sampler } from "../src/runner/engine/sampler.ts";
import { Batch } from "../src/runner/llama/batch.ts";
import { openBareEngine } from "./bare-engine.ts";
import { LlamaChain } from "./llama-sampler.ts";

export interface SamplingTask {
  readonly directory: string;
  readonly model: string;
}

export interface SamplingRow {
  readonly name: string;
  /** Microseconds a draw, the best of many series. */
  readonly chainUs: number;
  readonly oursUs: number;
}

const OFF = { temperature: 0.8, topK: 0, topP: 1, minP: 0, typicalP: 1, seed: 1 };
const SETTINGS = {
  "temperature 0": { ...OFF, temperature: 0 },
  "top-k 40, top-p 0.9": { ...OFF, topK: 40, topP: 0.9 },
  "top-p 0.9 without top-k": { ...OFF, topP: 0.9 },
  "min-p 0.05 alone": { ...OFF, minP: 0.05 },
};
const SERIES = 15;
const DRAWS = 40;

function series(draw: () => number): number {
  const startedMs = performance.now();
  for (let i = 0; i < DRAWS; i++) draw();
  return ((performance.now() - startedMs) * 1000) / DRAWS;
}

if (import.meta.main) {
  const { directory, model: path } = JSON.parse(await Bun.stdin.text()) as SamplingTask;
  const { llama, model, context } = openBareEngine(directory, path);
  const tokens = model.tokenize("The capital of France is", { addSpecial: true, parseSpecial: true });
  const batch = new Batch(64);
  batch.clear();
  for (const [i, token] of tokens.entries()) batch.add(token, i, 0, i === tokens.length - 1);
  if (context.decode(batch) !== 0) throw new Error("the prompt could not be evaluated");
  const logits = context.logits(tokens.length - 1);
  if (logits === undefined) throw new Error("no logits");
  const rows = Object.entries(SETTINGS).map(([name, params]): SamplingRow => {
    const chain = new LlamaChain(llama, params);
    const sampler = new Sampler(params);
    const theirs: number[] = [];
    const ours: number[] = [];
    for (let i = 0; i < SERIES; i++) {
      theirs.push(series(() => chain.sample(context, tokens.length - 1)));
      ours.push(series(() => sampler.sample(logits)));
    }
    return { name, chainUs: Math.min(...theirs), oursUs: Math.min(...ours) };
  });
  console.log(JSON.stringify(rows));
  process.exit(0);
}
