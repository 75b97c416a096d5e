// The draw: judged against a plain definition of each filter, and against llama.cpp's own chain on a real model's logits.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SampleParams, Sampler } from "../../src/runner/engine/sampler.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

const plain: SampleParams = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1, seed: 1 };

/** The distribution by definition: sort everything, then filter after filter. */
function distribution(logits: readonly number[], params: SampleParams): Map<number, number> {
  let kept = logits.map((logit, id) => ({ id, logit })).filter(({ logit }) => logit > Number.NEGATIVE_INFINITY);
  kept.sort((a, b) => b.logit - a.logit || a.id - b.id);
  const best = kept[0]?.logit ?? 0;
  const shares = () => {
    const weights = kept.map(({ logit }) => Math.exp(logit - best));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  };
  if (params.topK > 0) kept = kept.slice(0, params.topK);
  if (params.typicalP < 1) {
    const p = shares();
    const entropy = p.reduce((sum, share) => sum - share * Math.log(share), 0);
    const order = p.map((_, i) => i).sort((a, b) => distance(a) - distance(b));
    function distance(i: number): number {
      return Math.abs(-Math.log(p[i] ?? 1) - entropy);
    }
    let sum = 0;
    let count = 0;
    while (count < order.length && sum <= params.typicalP) sum += p[order[count++] ?? 0] ?? 0;
    const chosen = new Set(order.slice(0, count));
    kept = kept.filter((_, i) => chosen.has(i));
  }
  if (params.topP < 1) {
    let sum = 0;
    const at = shares().findIndex((share) => (sum += share) >= params.topP);
    kept = kept.slice(0, at < 0 ? kept.length : at + 1);
  }
  kept = kept.filter(({ logit }) => params.minP <= 0 || logit >= (kept[0]?.logit ?? 0) + Math.log(params.minP));
  const weights = kept.map(({ logit }) => Math.exp((logit - best) / params.temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return new Map(kept.map(({ id }, i) => [id, (weights[i] ?? 0) / sum]));
}

const DRAWS = 4000;

function draws(sample: () => number): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < DRAWS; i++) {
    const token = sample();
    counts.set(token, (counts.get(token) ?? 0) + 1 / DRAWS);
  }
  return counts;
}

/** Half the sum of the differences: 0 for equal distributions, 1 for disjoint ones. */
function apart(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  const ids = new Set([...a.keys(), ...b.keys()]);
  return [...ids].reduce((sum, id) => sum + Math.abs((a.get(id) ?? 0) - (b.get(id) ?? 0)), 0) / 2;
}

function someLogits(seed: number, count: number, spread: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal(spread));
}

const SETTINGS: Partial<SampleParams>[] = [
  {},
  { temperature: 0.3 },
  { temperature: 2 },
  { topK: 5 },
  { topK: 40, topP: 0.9 },
  { topK: 200, topP: 0.95 },
  { topK: 200 },
  { topP: 0.5 },
  { topP: 0.99 },
  { minP: 0.2 },
  { topP: 0.8, minP: 0.1 },
  { typicalP: 0.5 },
  { typicalP: 0.9, topK: 30, topP: 0.9, minP: 0.02, temperature: 0.7 },
];

test.each(SETTINGS.map((setting) => [JSON.stringify(setting), setting] as const))(
  "draws with %s follow the definition and nothing else is ever drawn",
  (_, setting) => {
    for (const [seed, count, spread] of [
      [1, 50, 2],
      [2, 300, 1],
      [3, 301, 6],
    ] as const) {
      const params = { ...plain, ...setting, seed };
      const logits = someLogits(seed, count, spread);
      const expected = distribution([...logits], params);
      const sampler = new Sampler(params);
      const seen = draws(() => sampler.sample(logits));
      for (const token of seen.keys()) expect(expected.has(token)).toBe(true);
      // So many draws over n outcomes stay this close with a wide margin.
      expect(apart(seen, expected)).toBeLessThan(1.2 * Math.sqrt(expected.size / DRAWS) + 0.005);
    }
  },
);

test("temperature 0 takes the largest logit, the first of equals, wherever it stands", () => {
  const sampler = new Sampler({ ...plain, temperature: 0 });
  for (let at = 0; at < 37; at++) {
    const logits = new Float32Array(37).fill(-3);
    logits[at] = 5;
    expect(sampler.sample(logits)).toBe(at);
    logits.fill(5, at);
    expect(sampler.sample(logits)).toBe(at);
  }
});

test("temperature 0 takes the likeliest that typical sampling leaves, which may not be the likeliest of all", () => {
  // One token is almost certain among very many unlikely ones: it surprises less than is to be expected.
  const logits = new Float32Array(2000);
  logits[700] = 6;
  for (const setting of [{ typicalP: 0.3 }, { typicalP: 0.3, topK: 100 }]) {
    const params = { ...plain, ...setting };
    const [expected] = distribution([...logits], params).keys();
    expect(new Sampler({ ...params, temperature: 0 }).sample(logits)).toBe(expected as number);
  }
  expect(new Sampler({ ...plain, typicalP: 0.3, temperature: 0 }).sample(logits)).not.toBe(700);
});

test("a NaN is found wherever it stands, with every way of drawing", () => {
  for (const setting of [
    { temperature: 0 },
    { topK: 3 },
    { topP: 0.9 },
    { minP: 0.1 },
    {},
    { topK: 500 },
    { typicalP: 0.5 },
  ]) {
    for (let at = 0; at < 21; at++) {
      const logits = someLogits(at, 21, 2);
      logits[at] = Number.NaN;
      expect(() => new Sampler({ ...plain, ...setting }).sample(logits)).toThrow("invalid numbers (NaN)");
    }
  }
});

test("tokens that a grammar ruled out are never drawn; when all are, that is an error", () => {
  const logits = new Float32Array(64).fill(Number.NEGATIVE_INFINITY);
  logits[9] = -50;
  for (const setting of SETTINGS) expect(new Sampler({ ...plain, ...setting }).sample(logits)).toBe(9);
  logits[9] = Number.NEGATIVE_INFINITY;
  for (const setting of [{ temperature: 0 }, ...SETTINGS]) {
    expect(() => new Sampler({ ...plain, ...setting }).sample(logits)).toThrow("no token is left");
  }
});

test("a seed decides every draw, another seed other ones", () => {
  const logits = someLogits(5, 100, 1);
  const run = (seed: number) => {
    const sampler = new Sampler({ ...plain, topK: 40, seed });
    return Array.from({ length: 50 }, () => sampler.sample(logits));
  };
  expect(run(7)).toEqual(run(7));
  expect(run(7)).not.toEqual(run(8));
});

const home = mkdtempSync(join(tmpdir(), "sampler-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("llama.cpp's chain and ours draw alike from a model's logits", async () => {
  const path = join(home, "tiny.gguf");
  writeFileSync(path, tinyGguf("llama"));
  const greedy = [{ temperature: 0 }, { temperature: 0, typicalP: 0.3 }, { temperature: 0, typicalP: 0.3, topK: 20 }];
  const settings = [...greedy, ...SETTINGS].map((setting) => ({ ...plain, ...setting, seed: 3 }));
  const script = join(import.meta.dir, "../support/llama-draws.ts");
  const command = [process.execPath, script, path, JSON.stringify(settings), String(DRAWS)];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  const result = JSON.parse(await new Response(child.stdout).text()) as { logits: number[]; drawn: number[][] };
  const logits = Float32Array.from(result.logits);
  for (const [i, params] of settings.entries()) {
    const ours = new Sampler(params);
    const theirs = result.drawn[i]?.values() ?? [].values();
    const size = params.temperature <= 0 ? 1 : distribution(result.logits, params).size;
    const difference = apart(
      draws(() => ours.sample(logits)),
      draws(() => theirs.next().value ?? -1),
    );
    expect(difference).toBeLessThan(1.7 * Math.sqrt(size / DRAWS) + 0.005);
  }
}, 60_000);
