// The normal form of a schema: a list of shapes, any of which may hold. A shape keeps, for each JSON type it allows, the
// constraints on values of that type, so two shapes are intersected type by type. Objects and arrays keep one layer per
// schema that speaks of them; what a property must satisfy is asked of all layers together.

import type { NumberBound, NumberRange } from "./number-range.ts";
import type { Conjunction, JsonValue, Schema } from "./schema-source.ts";

export const NULL = 1;
export const BOOLEAN = 2;
export const INTEGER = 4;
/** Numbers that are not whole. */
export const FRACTION = 8;
export const STRING = 16;
export const OBJECT = 32;
export const ARRAY = 64;
export const ALL_TYPES = 127;

export interface StringPattern {
  readonly source: string;
  readonly keyword: "pattern" | "format";
  readonly negative: boolean;
  readonly path: string;
}

export interface StringShape {
  readonly min: number;
  readonly max: number | undefined;
  readonly patterns: readonly StringPattern[];
}

export interface PropertyPattern {
  readonly source: string;
  readonly schema: Schema;
}

export interface ObjectLayer {
  /** undefined when the schema has no `properties`. */
  readonly properties: ReadonlyMap<string, Schema> | undefined;
  readonly patterns: readonly PropertyPattern[];
  readonly additional: Schema | undefined;
  /** Whether its properties count as evaluated for `unevaluatedProperties`; those inside `not` do not. */
  readonly evaluates: boolean;
  readonly path: string;
}

export interface ObjectShape {
  readonly layers: readonly ObjectLayer[];
  readonly required: ReadonlySet<string>;
  readonly forbidden: ReadonlySet<string>;
  readonly names: Conjunction;
  readonly min: number;
  readonly max: number | undefined;
}

export interface ArrayLayer {
  readonly prefix: readonly Schema[];
  readonly rest: Schema | undefined;
}

export interface ArrayShape {
  readonly layers: readonly ArrayLayer[];
  /** undefined when no schema says it. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly unique: boolean;
}

export interface Shape {
  readonly types: number;
  /** The only values allowed, when `enum` or `const` says so. */
  readonly values: readonly JsonValue[] | undefined;
  readonly notValues: readonly JsonValue[];
  readonly number: NumberRange;
  readonly string: StringShape;
  readonly object: ObjectShape;
  readonly array: ArrayShape;
}

export const ANY_SHAPE: Shape = {
  types: ALL_TYPES,
  values: undefined,
  notValues: [],
  number: { min: undefined, max: undefined, multiples: [] },
  string: { min: 0, max: undefined, patterns: [] },
  object: { layers: [], required: new Set(), forbidden: new Set(), names: [], min: 0, max: undefined },
  array: { layers: [], min: undefined, max: undefined, unique: false },
};

export function typeOfValue(value: JsonValue): number {
  if (value === null) return NULL;
  if (typeof value === "boolean") return BOOLEAN;
  if (typeof value === "number") return Number.isInteger(value) ? INTEGER : FRACTION;
  if (typeof value === "string") return STRING;
  return Array.isArray(value) ? ARRAY : OBJECT;
}

/** Equal values, as JSON Schema compares them, have equal keys. */
export function valueKey(value: JsonValue): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value === 0 ? 0 : value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => valueKey(item)).join()}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${valueKey(item)}`).join()}}`;
}

export function intersectShapes(a: Shape, b: Shape): Shape {
  if (a === ANY_SHAPE) return b;
  if (b === ANY_SHAPE) return a;
  return {
    types: a.types & b.types,
    values: commonValues(a.values, b.values),
    notValues: [...a.notValues, ...b.notValues],
    number: {
      min: tighter(a.number.min, b.number.min, 1),
      max: tighter(a.number.max, b.number.max, -1),
      multiples: [...new Set([...a.number.multiples, ...b.number.multiples])],
    },
    string: {
      min: Math.max(a.string.min, b.string.min),
      max: lower(a.string.max, b.string.max),
      patterns: [...a.string.patterns, ...b.string.patterns],
    },
    object: {
      layers: [...new Set([...a.object.layers, ...b.object.layers])],
      required: a.object.required.union(b.object.required),
      forbidden: a.object.forbidden.union(b.object.forbidden),
      names: [...a.object.names, ...b.object.names],
      min: Math.max(a.object.min, b.object.min),
      max: lower(a.object.max, b.object.max),
    },
    array: {
      layers: [...new Set([...a.array.layers, ...b.array.layers])],
      min: a.array.min === undefined ? b.array.min : Math.max(a.array.min, b.array.min ?? 0),
      max: lower(a.array.max, b.array.max),
      unique: a.array.unique || b.array.unique,
    },
  };
}

function commonValues(a: Shape["values"], b: Shape["values"]): Shape["values"] {
  if (a === undefined || b === undefined) return a ?? b;
  const keys = new Set(b.map(valueKey));
  return a.filter((value) => keys.has(valueKey(value)));
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** The stricter of two bounds; `direction` is 1 for minima and -1 for maxima. */
function tighter(a: NumberBound | undefined, b: NumberBound | undefined, direction: 1 | -1): NumberBound | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.value === b.value) return a.exclusive ? a : b;
  return (a.value - b.value) * direction > 0 ? a : b;
}

/** Every property name that some layer or `required` speaks of, in schema order. */
export function declaredNames(shape: ObjectShape): string[] {
  const names = new Set<string>();
  for (const layer of shape.layers) for (const name of layer.properties?.keys() ?? []) names.add(name);
  for (const name of shape.required) names.add(name);
  return [...names];
}

/**
 * Whether properties that nobody declared are written. JSON Schema allows them unless told otherwise; like llama.cpp's
 * converter we write them only when asked to: `additionalProperties` or `patternProperties`, or an object without `properties`.
 */
export function isOpen(shape: ObjectShape): boolean {
  if (
    shape.layers.some(
      ({ additional, patterns }) => (additional !== undefined && additional !== false) || patterns.length > 0,
    )
  )
    return true;
  return shape.layers.every(({ properties, additional }) => properties === undefined && additional !== false);
}
