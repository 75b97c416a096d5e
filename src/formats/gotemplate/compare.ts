// eq, ne, lt, le, gt and ge as text/template defines them: basic kinds only, ints and uints alike, nil by nilness.

import type { Budget } from "./budget.ts";
import { sprintf } from "./printf.ts";
import { compareUtf8 } from "./go-text.ts";
import { isNil, stringValue, typeName, unboxed, type GoType, type Value } from "./value.ts";

/** A Go error returned by a template function. */
export interface GoError {
  readonly kind: "error";
  readonly message: string;
}

export function goError(message: string): GoError {
  return { kind: "error", message };
}

const BASIC: ReadonlySet<string> = new Set(["bool", "string", "int", "uint", "float", "complex"]);

function comparisonClass(value: Value): string {
  if (!BASIC.has(value.kind)) return "none";
  return value.kind === "uint" ? "int" : value.kind;
}

function incompatible(a: Value, b: Value): GoError {
  return goError(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}

function isComparable(type: GoType): boolean {
  if (type.kind === "slice" || type.kind === "map") return false;
  return (type.fields ?? []).every((field) => isComparable(field.type));
}

function equalBasic(a: Value, b: Value): boolean {
  if (a.kind === "complex" && b.kind === "complex") return a.re === b.re && a.im === b.im;
  return "value" in a && "value" in b && a.value === b.value;
}

function identical(a: Value, b: Value): boolean {
  return (
    a === b || (a.kind === "pointer" && b.kind === "pointer" && a.target === b.target && a.type.name === b.type.name)
  );
}

/** eq of two operands that are not of basic kinds. */
function equalOther(a: Value, b: Value, budget: Budget): boolean | GoError {
  if (a.kind !== b.kind && a.kind !== "invalid" && b.kind !== "invalid") {
    const format = "non-comparable types %s: %v, %s: %v";
    return goError(sprintf(format, [a, stringValue(typeName(a)), stringValue(typeName(b)), b], budget));
  }
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (b.kind !== "invalid" && !isComparable(b.type)) {
    return goError(sprintf("non-comparable type %s: %v", [b, stringValue(b.type.name)], budget));
  }
  return identical(a, b);
}

export function equal(first: Value, others: readonly Value[], budget: Budget): boolean | GoError {
  if (others.length === 0) return goError("missing argument for comparison");
  const a = unboxed(first);
  const classA = comparisonClass(a);
  for (const other of others) {
    const b = unboxed(other);
    const classB = comparisonClass(b);
    let same: boolean | GoError = false;
    if (classA !== classB) {
      if (a.kind !== "invalid" && b.kind !== "invalid") return incompatible(a, b);
    } else {
      same = classA === "none" ? equalOther(a, b, budget) : equalBasic(a, b);
    }
    if (same !== false) return same;
  }
  return false;
}

export function less(first: Value, second: Value): boolean | GoError {
  const a = unboxed(first);
  const b = unboxed(second);
  const classA = comparisonClass(a);
  const classB = comparisonClass(b);
  if (classA === "none" || classB === "none") return goError("invalid type for comparison");
  if (classA !== classB) return incompatible(a, b);
  if (a.kind === "string" && b.kind === "string") return compareUtf8(a.value, b.value) < 0;
  if (a.kind === "float" && b.kind === "float") return a.value < b.value;
  if ((a.kind === "int" || a.kind === "uint") && (b.kind === "int" || b.kind === "uint")) return a.value < b.value;
  return goError("invalid type for comparison");
}
