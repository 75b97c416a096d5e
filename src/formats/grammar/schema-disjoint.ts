// `oneOf` is written as `anyOf`, which is right only if no written value fits two branches. Two branches are kept apart by
// proof (types, ranges, values, a required property that the other cannot have or whose values differ) or by narrowing
// what is written: a telling property becomes required, a property that only the other branch requires is left out.
// Branches that cannot be kept apart are an error.

import type { Effort } from "./effort.ts";
import { intersect, isNothing } from "./automaton.ts";
import type { NumberRange } from "./number-range.ts";
import type { SchemaExpander } from "./schema-expand.ts";
import { itemCounts, itemSchemas, propertySchemas } from "./schema-layers.ts";
import * as shapes from "./schema-shape.ts";
import { type ObjectShape, type Shape, declaredNames } from "./schema-shape.ts";
import { type Conjunction, schemaError } from "./schema-source.ts";
import { stringAutomaton } from "./schema-strings.ts";
import { fits } from "./schema-validate.ts";

const MAX_DEPTH = 6;
const MAX_PAIRS = 40_000;

export function makeDisjoint(
  expander: SchemaExpander,
  branches: readonly (readonly Shape[])[],
  path: string,
): (readonly Shape[])[] {
  const result = branches.map((branch) => [...branch]);
  let pairs = 0;
  for (let i = 0; i < result.length; i++) {
    for (let j = 0; j < result.length; j++) {
      if (i === j) continue;
      for (const [at, shape] of result[i]?.entries() ?? []) {
        let narrowed = shape;
        // Narrowing is judged against what the other branch accepts, not against what is written for it.
        for (const other of branches[j] ?? []) {
          pairs += 1;
          if (pairs > MAX_PAIRS) throw schemaError(path, `"oneOf" has too many alternatives to compare`);
          const apart = keepApart(expander, narrowed, other);
          if (apart === undefined) {
            throw schemaError(
              path,
              `"oneOf" branches ${Math.min(i, j)} and ${Math.max(i, j)} can both match one value; use "anyOf" or make them exclude each other`,
            );
          }
          narrowed = apart;
        }
        const list = result[i];
        if (list !== undefined) list[at] = narrowed;
      }
    }
  }
  return result;
}

/** `shape`, narrowed so that nothing written for it fits `other`; undefined when that cannot be shown. */
function keepApart(expander: SchemaExpander, shape: Shape, other: Shape): Shape | undefined {
  const overlap = overlappingTypes(expander, shape, other, 0);
  if (overlap === 0) return shape;
  if (overlap !== shapes.OBJECT) return undefined;
  const { object } = shape;
  const { effort } = expander.source;
  const telling = declaredNames(object).find(
    (name) =>
      !object.required.has(name) &&
      declaredNames(other.object).includes(name) &&
      apart(expander, propertySchemas(object, name, effort), propertySchemas(other.object, name, effort), 1),
  );
  if (telling !== undefined)
    return { ...shape, object: { ...object, required: object.required.union(new Set([telling])) } };
  const known = new Set(declaredNames(object));
  const candidates = [...other.object.required].filter((name) => !object.required.has(name));
  const foreign = candidates.find((name) => !known.has(name)) ?? candidates[0];
  if (foreign === undefined) return undefined;
  return { ...shape, object: { ...object, forbidden: object.forbidden.union(new Set([foreign])) } };
}

/** Whether no value can satisfy both. */
function apart(expander: SchemaExpander, a: Conjunction, b: Conjunction, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  expander.source.effort.spend(100);
  const [own, others] = [expander.expandIfReady(a), expander.expandIfReady(b)];
  if (own === undefined || others === undefined) return false;
  return own.every((left) => others.every((right) => overlappingTypes(expander, left, right, depth) === 0));
}

/** The types in which values may fit both shapes. */
function overlappingTypes(expander: SchemaExpander, a: Shape, b: Shape, depth: number): number {
  const common = a.types & b.types;
  if (common === 0) return 0;
  if (a.values !== undefined || b.values !== undefined) {
    const [listed, tested] = a.values === undefined ? [b, a] : [a, b];
    const both = (listed.values ?? []).filter(
      (value) => fits(expander, value, listed) && fits(expander, value, tested),
    );
    return both.reduce<number>((types, value) => types | shapes.typeOfValue(value), 0);
  }
  let overlap = common & (shapes.NULL | shapes.BOOLEAN);
  const numeric = common & (shapes.INTEGER | shapes.FRACTION);
  if (numeric !== 0 && rangesMeet(a.number, b.number)) overlap |= numeric;
  if ((common & shapes.STRING) !== 0 && stringsMeet(a, b, expander.source.effort)) overlap |= shapes.STRING;
  if ((common & shapes.OBJECT) !== 0 && objectsMeet(expander, a.object, b.object, depth)) overlap |= shapes.OBJECT;
  if ((common & shapes.ARRAY) !== 0 && arraysMeet(expander, a, b, depth)) overlap |= shapes.ARRAY;
  return overlap;
}

function rangesMeet(a: NumberRange, b: NumberRange): boolean {
  const below = (low: NumberRange, high: NumberRange): boolean => {
    if (low.max === undefined || high.min === undefined) return false;
    return (
      low.max.value < high.min.value || (low.max.value === high.min.value && (low.max.exclusive || high.min.exclusive))
    );
  };
  return !below(a, b) && !below(b, a);
}

function stringsMeet(a: Shape, b: Shape, effort: Effort): boolean {
  if ((a.string.max ?? Infinity) < b.string.min || (b.string.max ?? Infinity) < a.string.min) return false;
  const [left, right] = [stringAutomaton(a, "#", effort, true), stringAutomaton(b, "#", effort, true)];
  return left === undefined || right === undefined || !isNothing(intersect(left, right, effort));
}

function objectsMeet(expander: SchemaExpander, a: ObjectShape, b: ObjectShape, depth: number): boolean {
  if (lacks(expander, a, b) || lacks(expander, b, a)) return false;
  if (a.min > (b.max ?? Infinity) || b.min > (a.max ?? Infinity)) return false;
  const { effort } = expander.source;
  for (const name of a.required.union(b.required)) {
    if (apart(expander, propertySchemas(a, name, effort), propertySchemas(b, name, effort), depth + 1)) return false;
  }
  return true;
}

/** Whether `b` requires a property that `a` can never have. */
function lacks(expander: SchemaExpander, a: ObjectShape, b: ObjectShape): boolean {
  return [...b.required].some(
    (name) =>
      a.forbidden.has(name) || expander.expandIfReady(propertySchemas(a, name, expander.source.effort))?.length === 0,
  );
}

function arraysMeet(expander: SchemaExpander, a: Shape, b: Shape, depth: number): boolean {
  const [left, right] = [a.array, b.array];
  if ((left.max ?? Infinity) < (right.min ?? 0) || (right.max ?? Infinity) < (left.min ?? 0)) return false;
  // Both are written with at least this many items, so an item that cannot fit both tells them apart.
  const sure = Math.min(itemCounts(left).min, 20);
  for (let i = 0; i < sure; i++)
    if (apart(expander, itemSchemas(left, i), itemSchemas(right, i), depth + 1)) return false;
  return true;
}
