// Which tokens of a prompt that is too long are left, and what of a long answer's context stays.

import { expect, test } from "bun:test";
import { fitPrompt, keptTokens } from "../../src/runner/engine/fit-prompt.ts";
import { seededRandom } from "../support/seeded-random.ts";

const PROMPT = Array.from({ length: 861 }, (_, i) => i);

// prompt_eval_count of Ollama 0.33.0 for a prompt of 861 tokens and a vocabulary without BOS.
test.each([
  [256, 4, 130],
  [512, 4, 258],
  [300, 4, 152],
  [512, 0, 256],
  [512, 5, 259],
  [512, 24, 268],
  [512, 100, 306],
  [512, -1, 511],
  [512, 10_000, 511],
])("with num_ctx %d and num_keep %d, %d tokens are left: the first ones and the end", (context, keep, left) => {
  const fitted = fitPrompt(PROMPT, keptTokens(keep, PROMPT.length, false), context);
  expect(fitted).toHaveLength(left);
  const head = keep < 0 ? left : Math.min(keep, left);
  expect(fitted.slice(0, head)).toEqual(PROMPT.slice(0, head));
  expect(fitted.slice(head)).toEqual(PROMPT.slice(PROMPT.length - (left - head)));
});

test("a negative num_keep keeps all of the prompt, and BOS is kept besides", () => {
  expect(keptTokens(-1, 100, false)).toBe(100);
  expect(keptTokens(4, 100, false)).toBe(4);
  expect(keptTokens(4, 100, true)).toBe(5);
});

test("for any context and num_keep something is left, it fits, and there is room for an answer", () => {
  const random = seededRandom(11);
  for (let round = 0; round < 5000; round++) {
    const context = 4 + random.below(600);
    const length = context + random.below(600);
    const fitted = fitPrompt(PROMPT.slice(0, length), random.below(1000), context);
    expect(fitted.length).toBeWithin(1, context);
    expect(fitted.at(-1) === Math.min(length, PROMPT.length) - 1 || fitted.length === context - 1).toBe(true);
  }
});
