// Whatever happened to a file, the answer is a model or a reason: no other exception, no hang, no memory.

import { expect, test } from "bun:test";
import { AppError } from "../../../src/base/errors.ts";
import { ggufFacts } from "../../../src/formats/gguf/facts.ts";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { bytesSource } from "../../../src/formats/gguf/source.ts";
import { validateGguf } from "../../../src/formats/gguf/validate.ts";
import { mutateGguf } from "../../support/mutate-gguf.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { layoutBytes, TINY_MODELS, tinyAdapterLayout, tinyGguf, tinyProjectorLayout } from "../../support/tiny-gguf.ts";

const SEED = 20_250_311;
const LONGEST_MS = 50;

type Verdict = "valid" | "refused";

function judge(bytes: Uint8Array): Verdict {
  try {
    const gguf = readGguf(bytesSource(bytes));
    ggufFacts(gguf);
    validateGguf(gguf);
    return "valid";
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid" && error.message.length < 1000) return "refused";
    throw error;
  }
}

/** The best of three, because a busy machine can stop any one of them. */
function isFast(bytes: Uint8Array): boolean {
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now();
    judge(bytes);
    if (performance.now() - start <= LONGEST_MS) return true;
  }
  return false;
}

test("at least 2,000 damaged files are each accepted or refused with a reason, fast and in flat memory", () => {
  const valid = [
    ...TINY_MODELS.map((model) => tinyGguf(model)),
    layoutBytes(tinyAdapterLayout()),
    layoutBytes(tinyProjectorLayout()),
  ];
  const random = seededRandom(SEED);
  const verdicts: Record<Verdict, number> = { valid: 0, refused: 0 };
  for (const bytes of valid) expect(judge(bytes)).toBe("valid");
  Bun.gc(true);
  const rssBefore = process.memoryUsage().rss;
  for (const [index, bytes] of valid.entries()) {
    const other = valid[(index + 1) % valid.length] ?? bytes;
    for (const { what, bytes: damaged } of mutateGguf(bytes, other, random)) {
      const start = performance.now();
      let verdict: Verdict;
      try {
        verdict = judge(damaged);
      } catch (error) {
        throw new Error(`file ${index}, ${what}`, { cause: error });
      }
      verdicts[verdict] += 1;
      if (performance.now() - start > LONGEST_MS && !isFast(damaged)) throw new Error(`slow: file ${index}, ${what}`);
    }
  }
  Bun.gc(true);
  expect(verdicts.valid + verdicts.refused).toBeGreaterThanOrEqual(2000);
  expect(verdicts.refused).toBeGreaterThan(verdicts.valid);
  expect(verdicts.valid).toBeGreaterThan(0);
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(96 * 1024 * 1024);
});

test("the same seed damages the same way", () => {
  const bytes = layoutBytes(tinyAdapterLayout());
  const list = (): string[] => Array.from(mutateGguf(bytes, bytes, seededRandom(SEED)), ({ what }) => what);
  expect(list()).toEqual(list());
});
