// Array shapes → rules: the prefix item by item, then the rest by count; sets (`uniqueItems`) where the items are few values.

import { type Node, choice, literal, rule, sequence } from "./gbnf-ast.ts";
import type { SchemaEmitter } from "./schema-emit.ts";
import { itemCounts, itemSchemas } from "./schema-layers.ts";
import { type ArrayShape, BOOLEAN, type Shape, valueKey } from "./schema-shape.ts";
import { type JsonValue, about, schemaError } from "./schema-source.ts";
import { fits } from "./schema-validate.ts";

const MAX_PREFIX = 1000;
/** A set of n values needs 2^n rules. */
const MAX_SET_VALUES = 8;

export function emitArray(emitter: SchemaEmitter, shape: ArrayShape, hint: string, path: string): Node {
  const { prefix, min, max } = itemCounts(shape);
  if (max !== undefined && max < min) return choice();
  if (max === 0) return literal("[]");
  if (prefix > MAX_PREFIX) throw schemaError(path, `"prefixItems" has more than ${MAX_PREFIX} items`);
  if (shape.unique && (max ?? Infinity) > 1) return emitSet(emitter, shape, hint, path);
  const ws = emitter.builder.json("ws");
  const end = sequence(ws, literal("]"));
  const item = (i: number): Node => emitter.node(itemSchemas(shape, i), `${hint}-item${i < prefix ? i : ""}`);
  const more = (): Node => emitter.builder.add(`${hint}-more`, sequence(literal(","), ws, item(prefix)));
  const rest = (written: number): Node => {
    const [least, most] = [Math.max(0, min - written), max === undefined ? undefined : max - written];
    if (most === 0) return end;
    const keyword = most === undefined ? "minItems" : "maxItems";
    return about(path, keyword, () => sequence(emitter.builder.times(`${hint}-items`, more(), least, most), end));
  };
  const listed = Math.min(prefix, max ?? prefix);
  if (listed === 0) return sequence(literal("["), ws, startOrEnd(min, sequence(item(prefix), rest(1))));
  // Built from the back: `after` is what may follow the first i items.
  let after = max === listed ? end : rest(listed);
  for (let i = listed - 1; i >= 1; i--) {
    const next = sequence(literal(","), ws, item(i), after);
    after = i < min ? next : emitter.builder.add(`${hint}-after${i}`, choice(next, end));
  }
  return sequence(literal("["), ws, startOrEnd(min, sequence(item(0), after)));
}

function startOrEnd(min: number, items: Node): Node {
  return min === 0 ? choice(items, literal("]")) : items;
}

function emitSet(emitter: SchemaEmitter, shape: ArrayShape, hint: string, path: string): Node {
  const { prefix, min, max } = itemCounts(shape);
  const shapes = prefix > 0 ? [] : emitter.expander.expand(itemSchemas(shape, 0));
  const values = distinctValues(emitter, shapes);
  if (values === undefined || values.length > MAX_SET_VALUES) {
    throw schemaError(path, `"uniqueItems" is supported only for items with at most ${MAX_SET_VALUES} possible values`);
  }
  const ws = emitter.builder.json("ws");
  const most = Math.min(max ?? values.length, values.length);
  const items = values.map((value) => emitter.value(value));
  const names = new Map<number, string>();
  const end = sequence(ws, literal("]"));
  // `used` has a bit per value that was written.
  const after = (used: number): Node => {
    const known = names.get(used);
    if (known !== undefined) return rule(known);
    const name = emitter.builder.reserve(`${hint}-set`);
    names.set(used, name);
    const count = used.toString(2).replaceAll("0", "").length;
    const next = count < most ? sequence(literal(","), ws, pick(used)) : choice();
    emitter.builder.define(name, choice(next, count >= min ? end : choice()));
    return rule(name);
  };
  const pick = (used: number): Node =>
    choice(...items.flatMap((item, i) => ((used & (1 << i)) === 0 ? [sequence(item, after(used | (1 << i)))] : [])));
  return sequence(literal("["), ws, startOrEnd(min, pick(0)));
}

/** All values the shapes allow, when they are listed; undefined when there are others. */
function distinctValues(emitter: SchemaEmitter, shapes: readonly Shape[]): JsonValue[] | undefined {
  if (shapes.length === 0) return undefined;
  const found = new Map<string, JsonValue>();
  for (const shape of shapes) {
    const listed = shape.values ?? (shape.types === BOOLEAN ? [true, false] : undefined);
    if (listed === undefined) return undefined;
    for (const value of listed) if (fits(emitter.expander, value, shape)) found.set(valueKey(value), value);
  }
  return [...found.values()];
}
