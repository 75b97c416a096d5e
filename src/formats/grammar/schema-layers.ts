// What a property, an undeclared property or an array item must satisfy, asked of all layers of a shape at once.

import { type Automaton, accepts, complement, intersect } from "./automaton.ts";
import { patternAutomaton } from "./automaton-regex.ts";
import type { Effort } from "./effort.ts";
import type { ArrayShape, ObjectLayer, ObjectShape, PropertyPattern } from "./schema-shape.ts";
import { type Conjunction, type Schema, about, schemaError } from "./schema-source.ts";

const MAX_KEY_PATTERNS = 4;

const compiled = new WeakMap<PropertyPattern, Automaton>();

function patternOf(pattern: PropertyPattern, path: string, effort: Effort): Automaton {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const automaton = about(path, "patternProperties", () => patternAutomaton(pattern.source, effort));
  compiled.set(pattern, automaton);
  return automaton;
}

export function propertySchemas(shape: ObjectShape, name: string, effort: Effort): Conjunction {
  return shape.layers.flatMap((layer): Schema[] => {
    const own = layer.properties?.get(name);
    effort.spend(1 + layer.patterns.length * name.length);
    const matched = layer.patterns
      .filter((pattern) => accepts(patternOf(pattern, layer.path, effort), name))
      .map(({ schema }) => schema);
    if (own !== undefined) return [own, ...matched];
    return matched.length > 0 ? matched : fallback(layer);
  });
}

function fallback(layer: ObjectLayer): Schema[] {
  return layer.additional === undefined ? [] : [layer.additional];
}

export interface KeyGroup {
  /** undefined: any key. */
  readonly keys: Automaton | undefined;
  readonly schemas: Conjunction;
}

/**
 * Undeclared properties, grouped by which patterns their names match: every group has keys of its own and one schema.
 * `unnamed` tells whether names that match no pattern are written.
 */
export function keyGroups(
  shape: ObjectShape,
  allowed: Automaton | undefined,
  unnamed: boolean,
  effort: Effort,
): KeyGroup[] {
  const patterns = new Map(
    shape.layers.flatMap((layer) => layer.patterns.map((pattern) => [pattern.source, { layer, pattern }])),
  );
  if (patterns.size > MAX_KEY_PATTERNS) {
    const path = shape.layers.find((layer) => layer.patterns.length > 0)?.path ?? "#";
    throw schemaError(path, `"patternProperties" has more than ${MAX_KEY_PATTERNS} patterns`);
  }
  let groups: { keys: Automaton | undefined; matched: ReadonlySet<string> }[] = [{ keys: allowed, matched: new Set() }];
  for (const { layer, pattern } of patterns.values()) {
    const inside = patternOf(pattern, layer.path, effort);
    const outside = complement(inside);
    groups = groups.flatMap(({ keys, matched }) =>
      about(layer.path, "patternProperties", () => [
        {
          keys: keys === undefined ? inside : intersect(keys, inside, effort),
          matched: new Set([...matched, pattern.source]),
        },
        { keys: keys === undefined ? outside : intersect(keys, outside, effort), matched },
      ]),
    );
  }
  return groups
    .filter(({ matched }) => matched.size > 0 || unnamed)
    .map(({ keys, matched }) => ({
      keys,
      schemas: shape.layers.flatMap((layer): Schema[] => {
        const own = layer.patterns.filter((pattern) => matched.has(pattern.source)).map(({ schema }) => schema);
        return own.length > 0 ? own : fallback(layer);
      }),
    }));
}

export function itemSchemas(shape: ArrayShape, index: number): Conjunction {
  return shape.layers.flatMap(({ prefix, rest }): Schema[] =>
    [prefix[index] ?? rest].filter((schema) => schema !== undefined),
  );
}

export interface ItemCounts {
  /** How many items have schemas of their own. */
  readonly prefix: number;
  readonly min: number;
  readonly max: number | undefined;
}

/**
 * A tuple is written in full unless `minItems` says that less will do, and nothing follows it unless `items` says what
 * (as in llama.cpp's converter; JSON Schema itself would allow both).
 */
export function itemCounts(shape: ArrayShape): ItemCounts {
  const prefix = Math.max(0, ...shape.layers.map((layer) => layer.prefix.length));
  const hasRest = shape.layers.some(({ rest }) => rest !== undefined) || (shape.min ?? 0) > prefix;
  const max = prefix > 0 && !hasRest ? Math.min(prefix, shape.max ?? prefix) : shape.max;
  return { prefix, min: shape.min ?? Math.min(prefix, max ?? prefix), max };
}
