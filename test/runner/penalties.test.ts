// Penalties against llama.cpp's own sampler, where its library is installed, and the window's mechanics.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ptr } from "bun:ffi";
import { Penalties } from "../../src/runner/engine/penalties.ts";
import { layouts } from "../../src/runner/llama/abi.gen.ts";
import { asPointer, openLlama } from "../../src/runner/llama/library.ts";
import { CStruct } from "../../src/runner/llama/struct.ts";
import { seededRandom } from "../support/seeded-random.ts";

interface Settings {
  repeatLastN: number;
  repeatPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
}

const CONTEXT = 1000;

function ours(
  settings: Settings,
  history: readonly number[],
  logits: Float32Array,
  logitBias: [number, number][] = [],
): number[] {
  const penalties = new Penalties({ ...settings, logitBias }, CONTEXT);
  for (const token of history) penalties.accept(token);
  const changed = logits.slice();
  if (penalties.active) penalties.apply(changed);
  return Array.from(changed);
}

const platform = `linux-${process.arch}`;
const directory = join(import.meta.dir, "../../node_modules/@node-llama-cpp", platform, "bins", platform);
const hasLibraries = process.platform === "linux" && existsSync(directory);

function theirs(settings: Settings, history: readonly number[], logits: Float32Array): number[] {
  const llama = openLlama(directory);
  const { repeatLastN, repeatPenalty, frequencyPenalty, presencePenalty } = settings;
  const sampler = asPointer(
    llama.llama_sampler_init_penalties(logits.length, repeatLastN, repeatPenalty, frequencyPenalty, presencePenalty),
  );
  if (sampler === null) throw new Error("no sampler");
  for (const token of history) llama.llama_sampler_accept(sampler, token);
  const { size, fields } = layouts.llama_token_data;
  const data = new DataView(new ArrayBuffer(size * logits.length));
  for (const [token, logit] of logits.entries()) {
    data.setInt32(token * size + fields.id[0], token, true);
    data.setFloat32(token * size + fields.logit[0], logit, true);
  }
  const bytes = new Uint8Array(data.buffer);
  const list = new CStruct(layouts.llama_token_data_array).set({
    data: BigInt(ptr(bytes)),
    size: logits.length,
    selected: -1,
  });
  llama.llama_sampler_apply(sampler, list.pointer);
  llama.llama_sampler_free(sampler);
  return Array.from(logits, (_, token) => data.getFloat32(token * size + fields.logit[0], true));
}

test.skipIf(!hasLibraries)("any settings and history change the logits as llama.cpp changes them", () => {
  const random = seededRandom(31);
  const pick = (...values: number[]): number => values[random.below(values.length)] ?? 0;
  for (let round = 0; round < 500; round++) {
    const settings = {
      repeatLastN: pick(0, 1, 2, 16, 64),
      repeatPenalty: pick(1, 1.1, 1.5, 0.8),
      presencePenalty: pick(0, 0.5, -0.5, 1.5),
      frequencyPenalty: pick(0, 0.3, -0.2),
    };
    const logits = Float32Array.from({ length: 50 }, () => random.normal(4));
    const history = Array.from({ length: random.below(100) }, () => random.below(50));
    const [a, b] = [ours(settings, history, logits), theirs(settings, history, logits)];
    for (const [token, value] of a.entries()) {
      expect(Math.abs(value - (b[token] ?? NaN))).toBeLessThan(1e-4);
    }
  }
});

const logits = Float32Array.of(2, -2, 1, 0);
const plain: Settings = { repeatLastN: 64, repeatPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 };

describe("the window", () => {
  test("forgets what is older than repeat_last_n", () => {
    const settings = { ...plain, repeatLastN: 2, presencePenalty: 1 };
    expect(ours(settings, [0, 1, 2], logits)).toEqual([2, -3, 0, 0]);
  });
  test("counts a token as often as it is in it", () => {
    expect(ours({ ...plain, frequencyPenalty: 0.5 }, [0, 0, 0, 2], logits)).toEqual([0.5, -2, 0.5, 0]);
  });
  test("is the whole context for -1 and nothing for 0", () => {
    const penalty = { ...plain, presencePenalty: 1 };
    const history = [0, ...Array<number>(CONTEXT - 1).fill(3)];
    expect(ours({ ...penalty, repeatLastN: -1 }, history, logits)[0]).toBe(1);
    expect(ours({ ...penalty, repeatLastN: -1 }, [...history, 3], logits)[0]).toBe(2);
    expect(ours({ ...penalty, repeatLastN: 0 }, history, logits)).toEqual(Array.from(logits));
  });
  test("holds the end of the prompt too", () => {
    const penalties = new Penalties({ ...plain, repeatLastN: 2, presencePenalty: 1, logitBias: [] }, CONTEXT);
    penalties.acceptPrompt([0, 1, 2]);
    const changed = logits.slice();
    penalties.apply(changed);
    expect(Array.from(changed)).toEqual([2, -3, 0, 0]);
  });
});

test("biases are added first, and one for a token beyond the vocabulary changes nothing", () => {
  expect(
    ours(plain, [], logits, [
      [0, -100],
      [99, 5],
    ]),
  ).toEqual([-98, -2, 1, 0]);
});

test("defaults are no penalty at all", () => {
  expect(new Penalties({ ...plain, logitBias: [] }, CONTEXT).active).toBe(false);
});
