// Tiny random models of every family, converted and run by llama.cpp, against what transformers computes for the same
// weights (test/fixtures/convert/record-logits.py).

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import recorded from "../fixtures/convert/logits.json";
import { convertFiles } from "../support/convert-files.ts";
import { loadGguf } from "../support/evaluate-gguf.ts";
import { tinyCheckpoint, type TinyCheckpoint } from "../support/tiny-checkpoint.ts";

interface Recorded extends TinyCheckpoint {
  readonly name: string;
  readonly ids: readonly number[];
  readonly logits?: Readonly<Record<string, readonly number[]>>;
  readonly vector?: readonly number[];
}

const models = recorded.models as unknown as Recorded[];
const folder = mkdtempSync(join(tmpdir(), "logits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Relative to the largest number of the reference. */
function largestDifference(got: readonly number[], wanted: readonly number[]): number {
  const scale = Math.max(...wanted.map(Math.abs));
  return got.length === wanted.length
    ? Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] ?? NaN)))) / scale
    : NaN;
}

/**
 * What is left is float32 summed in another order, but for two families: llama.cpp looks GELU up in a table of 16-bit
 * numbers, and BERT's exact GELU is its tanh form there.
 */
const LIMITS: readonly (readonly [RegExp, number])[] = [
  [/^bert/, 1e-3],
  [/^gemma/, 3e-4],
  [/./, 1e-5],
];
const limitOf = (name: string): number => LIMITS.find(([pattern]) => pattern.test(name))?.[1] ?? 0;

describe("a converted F32 file computes what transformers computes", () => {
  test.each(models)("$name", async (model) => {
    const path = join(folder, `${model.name}.gguf`);
    await Bun.write(path, await convertFiles(tinyCheckpoint(model), "F32"));
    using evaluation = await loadGguf(path);
    if (model.vector !== undefined) {
      const difference = largestDifference(evaluation.embedding(model.ids), model.vector);
      console.log(`${model.name}: largest difference ${difference.toExponential(1)}`);
      expect(difference).toBeLessThan(limitOf(model.name));
      return;
    }
    const wanted = Object.entries(model.logits ?? {});
    const got = evaluation.logits(
      model.ids,
      wanted.map(([at]) => Number(at)),
    );
    const differences = wanted.map(([, values], i) => largestDifference(got[i] ?? [], values));
    console.log(`${model.name}: largest difference ${Math.max(...differences).toExponential(1)}`);
    for (const difference of differences) expect(difference).toBeLessThan(limitOf(model.name));
  });
});
