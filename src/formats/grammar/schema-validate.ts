// Checks one JSON value against schemas in normal form. Used on the few values that `enum` and `const` list, to keep only
// those that satisfy everything beside them.

import { accepts } from "./automaton.ts";
import { decimalOf } from "./decimal.ts";
import type { SchemaExpander } from "./schema-expand.ts";
import { itemSchemas, propertySchemas } from "./schema-layers.ts";
import { type Shape, typeOfValue, valueKey } from "./schema-shape.ts";
import { type Conjunction, type JsonValue, isObject } from "./schema-source.ts";
import { patternAutomata } from "./schema-strings.ts";

export function satisfies(expander: SchemaExpander, value: JsonValue, conjunction: Conjunction): boolean {
  expander.source.effort.spend(20);
  return expander.expandIfReady(conjunction)?.some((shape) => fits(expander, value, shape)) ?? true;
}

export function fits(expander: SchemaExpander, value: JsonValue, shape: Shape): boolean {
  if ((typeOfValue(value) & shape.types) === 0) return false;
  if (shape.values !== undefined && !listed(shape.values, value)) return false;
  if (shape.notValues.length > 0 && listed(shape.notValues, value)) return false;
  if (typeof value === "number") return fitsNumber(value, shape);
  if (typeof value === "string") {
    const { min, max } = shape.string;
    const automata = patternAutomata(shape.string, expander.source.effort);
    expander.source.effort.spend(value.length * (1 + automata.length));
    const length = Array.from(value).length;
    return length >= min && length <= (max ?? Infinity) && automata.every((automaton) => accepts(automaton, value));
  }
  if (Array.isArray(value)) return fitsArray(expander, value as readonly JsonValue[], shape);
  return isObject(value) ? fitsObject(expander, value, shape) : true;
}

const keySets = new WeakMap<readonly JsonValue[], ReadonlySet<string>>();

function listed(values: readonly JsonValue[], value: JsonValue): boolean {
  let keys = keySets.get(values);
  if (keys === undefined) {
    keys = new Set(values.map(valueKey));
    keySets.set(values, keys);
  }
  return keys.has(valueKey(value));
}

function fitsNumber(value: number, shape: Shape): boolean {
  const { min, max, multiples } = shape.number;
  if (min !== undefined && (min.exclusive ? value <= min.value : value < min.value)) return false;
  if (max !== undefined && (max.exclusive ? value >= max.value : value > max.value)) return false;
  return multiples.every((multiple) => {
    const [a, b] = [decimalOf(value), decimalOf(multiple)];
    const scale = Math.max(a.scale, b.scale);
    return (a.digits * 10n ** BigInt(scale - a.scale)) % (b.digits * 10n ** BigInt(scale - b.scale)) === 0n;
  });
}

function fitsArray(expander: SchemaExpander, value: readonly JsonValue[], shape: Shape): boolean {
  const { min, max, unique } = shape.array;
  if (value.length < (min ?? 0) || value.length > (max ?? Infinity)) return false;
  if (unique && new Set(value.map(valueKey)).size < value.length) return false;
  return value.every((item, i) => satisfies(expander, item, itemSchemas(shape.array, i)));
}

function fitsObject(expander: SchemaExpander, value: Readonly<Record<string, JsonValue>>, shape: Shape): boolean {
  const { required, forbidden, names, min, max } = shape.object;
  const keys = Object.keys(value);
  if (keys.length < min || keys.length > (max ?? Infinity)) return false;
  if ([...required].some((name) => !Object.hasOwn(value, name)) || keys.some((name) => forbidden.has(name)))
    return false;
  if (names.length > 0 && !keys.every((name) => satisfies(expander, name, names))) return false;
  return keys.every((name) =>
    satisfies(expander, value[name] ?? null, propertySchemas(shape.object, name, expander.source.effort)),
  );
}
