// Number constraints as automata over decimal text, judged by plain arithmetic.

import { expect, test } from "bun:test";
import { accepts } from "../../../src/formats/grammar/automaton.ts";
import { Effort } from "../../../src/formats/grammar/effort.ts";
import { type NumberRange, numberAutomaton } from "../../../src/formats/grammar/number-range.ts";
import { type SeededRandom, seededRandom } from "../../support/seeded-random.ts";

/** Numbers of up to four digits and three decimals: multiples can be judged in thousandths. */
function someNumber(random: SeededRandom): number {
  const size = 10 ** random.below(4);
  const value = (random.below(2 * size) - size) / 10 ** random.below(4);
  return value === 0 ? 0 : value;
}

function near(random: SeededRandom, value: number): number {
  const step = [0, 1, -1, 0.1, -0.1, 0.001, -0.001][random.below(7)] ?? 0;
  const moved = Number((value + step).toFixed(4));
  return moved === 0 ? 0 : moved;
}

function isWithin(value: number, { min, max, multiples }: NumberRange): boolean {
  if (min !== undefined && (min.exclusive ? value <= min.value : value < min.value)) return false;
  if (max !== undefined && (max.exclusive ? value >= max.value : value > max.value)) return false;
  const scaled = Math.round(value * 1e6);
  return multiples.every((multiple) => scaled % Math.round(multiple * 1e6) === 0);
}

test("random ranges and multiples hold exactly the numbers that arithmetic says", () => {
  const random = seededRandom(5);
  let inside = 0;
  let compared = 0;
  for (let i = 0; i < 150; i++) {
    const bound = () =>
      random.next() < 0.8 ? { value: someNumber(random), exclusive: random.next() < 0.3 } : undefined;
    const multiple = [2, 0.5, 0.05, 3, 7, 12, 0.25, 1][random.below(8)] ?? 1;
    const range: NumberRange = { min: bound(), max: bound(), multiples: random.next() < 0.25 ? [multiple] : [] };
    const integer = random.next() < 0.4;
    const automaton = numberAutomaton(range, integer, new Effort());
    for (let j = 0; j < 30; j++) {
      const anchor = [range.min?.value, range.max?.value][random.below(2)] ?? 0;
      let value = random.next() < 0.5 ? someNumber(random) : near(random, anchor);
      if (integer) value = Math.round(value) + 0;
      const want = isWithin(value, range);
      compared += 1;
      if (want) inside += 1;
      const text = String(value);
      if (accepts(automaton, text) !== want) throw new Error(JSON.stringify({ range, integer, text, want }));
    }
  }
  expect(compared).toBe(4500);
  expect(inside).toBeGreaterThan(750);
});

test.each([
  [{ min: undefined, max: { value: 10, exclusive: false }, multiples: [] }, "007", false],
  [{ min: undefined, max: { value: 10, exclusive: false }, multiples: [] }, "1e1", false],
  [{ min: { value: 0, exclusive: false }, max: undefined, multiples: [] }, "-0.0", true],
  [{ min: { value: 0, exclusive: true }, max: undefined, multiples: [] }, "-0.0", false],
  [{ min: { value: 0, exclusive: true }, max: undefined, multiples: [] }, "0.00000000000001", true],
  [{ min: { value: 1e-7, exclusive: false }, max: undefined, multiples: [] }, "0.00000009", false],
  [{ min: { value: 1e-7, exclusive: false }, max: undefined, multiples: [] }, "0.0000001", true],
  [{ min: undefined, max: { value: 1e18, exclusive: false }, multiples: [] }, "1000000000000000001", false],
])("%j takes %s: %p", (range, text, want) => {
  expect(accepts(numberAutomaton(range, false, new Effort()), text)).toBe(want);
});

test("a bound that doubles cannot tell apart from its neighbours is refused", () => {
  const range: NumberRange = { min: { value: 2 ** 60, exclusive: true }, max: undefined, multiples: [] };
  expect(() => numberAutomaton(range, true, new Effort())).toThrow("has too many digits for an exclusive bound");
});
