// The functions every Go template has, except `and`, `or` and `call`, whose arguments the evaluator treats specially.

import type { Budget } from "./budget.ts";
import { equal, goError, less, type GoError } from "./compare.ts";
import { escapeHtml, escapeJs, escapeQuery } from "./escape.ts";
import { utf8Bytes, utf8Length, utf8Text } from "./go-text.ts";
import { sprint, sprintf, sprintln } from "./printf.ts";
import {
  boolValue,
  indirect,
  intValue,
  INVALID,
  isTrue,
  lengthOf,
  sliceItem,
  sliceLength,
  stringValue,
  typeName,
  UINT8,
  unboxed,
  zeroElement,
  type SliceValue,
  type Value,
} from "./value.ts";

/** Go's parameter types: reflect.Value, interface{} and string. */
export type Parameter = "value" | "any" | "string";

export interface GoFunction {
  readonly params: readonly Parameter[];
  readonly variadic?: Parameter;
  readonly call: (args: readonly Value[], budget: Budget) => Value | GoError;
}

function truthValue(result: boolean | GoError): Value | GoError {
  return typeof result === "boolean" ? boolValue(result) : result;
}

function negated(result: boolean | GoError): boolean | GoError {
  return typeof result === "boolean" ? !result : result;
}

function comparison(compare: (a: Value, b: Value, budget: Budget) => boolean | GoError): GoFunction {
  return {
    params: ["value", "value"],
    call: ([a = INVALID, b = INVALID], budget) => truthValue(compare(a, b, budget)),
  };
}

function lessOrEqual(a: Value, b: Value, budget: Budget): boolean | GoError {
  const lower = less(a, b);
  return lower === false ? equal(a, [b], budget) : lower;
}

/** An index as an int within 0..max. */
function indexArgument(argument: Value, max: number): number | GoError {
  if (argument.kind === "invalid") return goError("cannot index slice/array with nil");
  if (argument.kind !== "int" && argument.kind !== "uint") {
    return goError(`cannot index slice/array with type ${typeName(argument)}`);
  }
  const outside = argument.value < 0n || argument.value > BigInt(max);
  return outside ? goError(`index out of range: ${argument.value}`) : Number(argument.value);
}

function indexOnce(item: Value, key: Value): Value | GoError {
  if (item.kind === "slice" || item.kind === "string") {
    const length = lengthOf(item) ?? 0;
    const at = indexArgument(key, length);
    if (typeof at !== "number") return at;
    // Go's check lets the length itself through and reflect then panics with this text.
    if (at === length) return goError(`reflect: ${item.kind} index out of range`);
    if (item.kind === "slice") return sliceItem(item, at);
    return { kind: "uint", type: UINT8, value: BigInt(utf8Bytes(item.value)[at] ?? 0) };
  }
  if (item.kind !== "map") return goError(`can't index item of type ${typeName(item)}`);
  if (key.kind === "invalid") return goError("value is nil; should be of type string");
  if (key.kind !== "string") return goError(`value has type ${typeName(key)}; should be string`);
  return item.entries?.get(key.value) ?? zeroElement(item.type);
}

function index([first = INVALID, ...keys]: readonly Value[]): Value | GoError {
  let item = unboxed(first);
  if (item.kind === "invalid") return goError("index of untyped nil");
  for (const key of keys) {
    const target = indirect(item);
    if (target.isNil) return goError("index of nil pointer");
    const found = indexOnce(target.value, unboxed(key));
    if (found.kind === "error") return found;
    item = found;
  }
  return item;
}

/** text[from:to] in UTF-8 bytes, which may cut characters apart. */
function sliceText(text: string, from: number, to: number): string {
  if (utf8Length(text) === text.length) return text.slice(from, to);
  return utf8Text(utf8Bytes(text).subarray(from, to));
}

function sliceItems(slice: SliceValue, from: number, to: number): SliceValue {
  return { kind: "slice", type: slice.type, items: slice.items?.slice(from, to) ?? null };
}

function slice([first = INVALID, ...indexes]: readonly Value[]): Value | GoError {
  const item = unboxed(first);
  if (item.kind === "invalid") return goError("slice of untyped nil");
  const { value: target, isNil } = indirect(item);
  if (isNil) return goError("slice of nil pointer");
  if (indexes.length > 3) return goError(`too many slice indexes: ${indexes.length}`);
  if (target.kind !== "string" && target.kind !== "slice")
    return goError(`can't slice item of type ${typeName(target)}`);
  if (target.kind === "string" && indexes.length === 3) return goError("cannot 3-index slice a string");
  // Our slices have no spare capacity, so the length bounds every index.
  const length = target.kind === "string" ? utf8Length(target.value) : sliceLength(target);
  const bounds = [0, length, length];
  for (const [place, argument] of indexes.entries()) {
    const at = indexArgument(argument, length);
    if (typeof at !== "number") return at;
    bounds[place] = at;
  }
  const [from = 0, to = length, capacity = length] = bounds;
  if (from > to) return goError(`invalid slice index: ${from} > ${to}`);
  if (indexes.length === 3 && to > capacity) return goError(`invalid slice index: ${to} > ${capacity}`);
  return target.kind === "string" ? stringValue(sliceText(target.value, from, to)) : sliceItems(target, from, to);
}

function length([argument = INVALID]: readonly Value[]): Value | GoError {
  const { value, isNil } = indirect(argument);
  if (isNil) return goError("len of nil pointer");
  const size = lengthOf(value);
  if (size !== undefined) return intValue(size);
  // reflect panics on the zero Value before the function can word its own error.
  return goError(
    value.kind === "invalid" ? "reflect: call of reflect.Value.Type on zero Value" : `len of type ${typeName(value)}`,
  );
}

/** As a bare action shows its value: pointers followed, nothing as "<no value>". */
function printedArguments(args: readonly Value[], budget: Budget): string {
  const shown = args.map((arg) => {
    const value = unboxed(arg);
    if (value.kind === "invalid") return stringValue("<no value>");
    return value.kind === "pointer" ? indirect(value).value : value;
  });
  return sprint(shown, budget);
}

function escaper(escape: (text: string) => string): GoFunction {
  return { params: [], variadic: "any", call: (args, budget) => stringValue(escape(printedArguments(args, budget))) };
}

export const BUILTINS: ReadonlyMap<string, GoFunction> = new Map<string, GoFunction>([
  ["html", escaper(escapeHtml)],
  ["js", escaper(escapeJs)],
  ["urlquery", escaper(escapeQuery)],
  ["index", { params: ["value"], variadic: "value", call: index }],
  ["slice", { params: ["value"], variadic: "value", call: slice }],
  ["len", { params: ["value"], call: length }],
  ["not", { params: ["value"], call: ([arg = INVALID]) => boolValue(!isTrue(unboxed(arg))) }],
  ["print", { params: [], variadic: "any", call: (args, budget) => stringValue(sprint(args, budget)) }],
  ["println", { params: [], variadic: "any", call: (args, budget) => stringValue(sprintln(args, budget)) }],
  [
    "printf",
    {
      params: ["string"],
      variadic: "any",
      call: ([format = INVALID, ...rest], budget) =>
        stringValue(sprintf(format.kind === "string" ? format.value : "", rest, budget)),
    },
  ],
  [
    "eq",
    {
      params: ["value"],
      variadic: "value",
      call: ([first = INVALID, ...rest], budget) => truthValue(equal(first, rest, budget)),
    },
  ],
  ["ne", comparison((a, b, budget) => negated(equal(a, [b], budget)))],
  ["lt", comparison(less)],
  ["le", comparison(lessOrEqual)],
  ["gt", comparison((a, b, budget) => negated(lessOrEqual(a, b, budget)))],
  ["ge", comparison((a, b) => negated(less(a, b)))],
]);

/** Built-in names, including those the evaluator handles itself. */
export function isBuiltin(name: string): boolean {
  return BUILTINS.has(name) || name === "and" || name === "or" || name === "call";
}
