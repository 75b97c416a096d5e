// The engine's raw limit for one row of the bench: the same libraries, threads, context and prompts, batched greedy
// decoding in a bare loop, no server. Prints one line of JSON. Started by bench.ts, one measurement a process.

import { Batch } from "../src/runner/llama/batch.ts";
import { openBareEngine } from "./bare-engine.ts";
import { LlamaChain } from "./llama-sampler.ts";

/** Texts to embed, packed into batches as the engine does it: the bare loop of embeddings. */
export interface RawEmbedTask {
  readonly directory: string;
  readonly model: string;
  readonly threads: number;
  readonly texts: readonly string[];
}

const EMBED_SEQUENCES = 32;
const EMBED_BATCH = 2048;
const POOLING_MEAN = 1;

export function measureRawEmbeddings(task: RawEmbedTask): { totalMs: number; tokens: number } {
  const { model, context } = openBareEngine(task.directory, task.model, {
    contextPerSequence: EMBED_BATCH / EMBED_SEQUENCES,
    sequences: EMBED_SEQUENCES,
    batch: EMBED_BATCH,
    microBatch: EMBED_BATCH,
    threads: task.threads,
    unified: true,
    outputs: 0,
    embeddings: true,
    pooling: POOLING_MEAN,
  });
  const inputs = task.texts.map((text) => model.tokenize(text, { addSpecial: true, parseSpecial: false }));
  const batch = new Batch(EMBED_BATCH);
  const evaluate = (rows: number): void => {
    if (rows === 0) return;
    context.clear();
    const code = context.hasMemory ? context.decode(batch) : context.encode(batch);
    if (code !== 0) throw new Error(`evaluation: ${code}`);
    for (let row = 0; row < rows; row++) Array.from(context.embeddingOfSequence(row) ?? []);
    batch.clear();
  };
  batch.add(inputs[0]?.[0] ?? 0, 0, 0, true);
  evaluate(1);
  const startedMs = performance.now();
  let rows = 0;
  for (const tokens of inputs) {
    if (rows === EMBED_SEQUENCES || batch.length + tokens.length > batch.capacity) {
      evaluate(rows);
      rows = 0;
    }
    for (const [position, token] of tokens.entries()) batch.add(token, position, rows, true);
    rows++;
  }
  evaluate(rows);
  const totalMs = performance.now() - startedMs;
  return { totalMs, tokens: inputs.reduce((sum, { length }) => sum + length, 0) };
}

export interface RawTask {
  readonly directory: string;
  readonly backend: string | undefined;
  readonly model: string;
  readonly threads: number;
  readonly prompts: readonly string[];
  readonly tokens: number;
  readonly contextPerSequence: number;
}

const GREEDY = { temperature: 0, topK: 40, topP: 0.9, minP: 0, typicalP: 1, seed: 1 };

export function measureRaw(task: RawTask): { promptMs: number; totalMs: number; generateMs: number; tokens: number } {
  const sequences = task.prompts.length;
  const params = {
    contextPerSequence: task.contextPerSequence,
    sequences,
    batch: 512,
    microBatch: 512,
    threads: task.threads,
    outputs: sequences,
  };
  const { llama, model, context } = openBareEngine(task.directory, task.model, params, task.backend);
  const prompts = task.prompts.map((text) =>
    Array.from(model.tokenize(text, { addSpecial: true, parseSpecial: true })),
  );
  const chains = prompts.map(() => new LlamaChain(llama, GREEDY));
  const batch = new Batch(512);
  const decode = () => {
    const code = context.decode(batch);
    if (code !== 0) throw new Error(`llama_decode: ${code}`);
  };
  // One token first: the first graph is built and the threads are awake before the clock starts.
  batch.add(prompts[0]?.[0] ?? 0, 0, 0, true);
  decode();
  context.clear();

  const startedMs = performance.now();
  const last: number[] = [];
  for (const [sequence, prompt] of prompts.entries()) {
    for (let at = 0; at < prompt.length; at += 512) {
      batch.clear();
      const part = prompt.slice(at, at + 512);
      for (const [i, token] of part.entries()) batch.add(token, at + i, sequence, at + i === prompt.length - 1);
      decode();
      if (at + part.length === prompt.length) last[sequence] = chains[sequence]?.sample(context, part.length - 1) ?? 0;
    }
  }
  const promptMs = performance.now() - startedMs;
  for (let step = 1; step < task.tokens; step++) {
    batch.clear();
    for (const [sequence, prompt] of prompts.entries())
      batch.add(last[sequence] ?? 0, prompt.length + step - 1, sequence, true);
    decode();
    for (const sequence of prompts.keys()) last[sequence] = chains[sequence]?.sample(context, sequence) ?? 0;
  }
  const totalMs = performance.now() - startedMs;
  return { promptMs, totalMs, generateMs: totalMs - promptMs, tokens: sequences * task.tokens };
}

if (import.meta.main) {
  const task = JSON.parse(await Bun.stdin.text()) as RawTask | RawEmbedTask;
  console.log(JSON.stringify("texts" in task ? measureRawEmbeddings(task) : measureRaw(task)));
  process.exit(0);
}
