// Go values as a template sees them: a kind for reflection, a type for printing and errors, and the data.
// "invalid" is reflect's zero Value; an "interface" box keeps the static type of map and slice elements,
// which decides between `<nil>`, `<no value>` and "nil pointer evaluating".

import { utf8Length } from "./go-text.ts";

export type Kind =
  | "bool"
  | "string"
  | "int"
  | "uint"
  | "float"
  | "complex"
  | "slice"
  | "map"
  | "struct"
  | "pointer"
  | "interface";

export interface StructField {
  readonly name: string;
  readonly type: GoType;
  /** Key in encoding/json's output. */
  readonly json?: string;
  readonly omitEmpty?: boolean;
}

export interface GoType {
  readonly kind: Kind;
  /** As reflect prints it: "map[string]interface {}". */
  readonly name: string;
  /** Element type of slices, maps and pointers. */
  readonly elem?: GoType;
  readonly fields?: readonly StructField[];
  /** The String method, which fmt prefers over the value's own form. */
  readonly string?: (value: Value) => string;
  /** The MarshalJSON method: finished JSON for the value. */
  readonly json?: (value: Value) => string;
  /** Further methods without arguments a template may call. */
  readonly methods?: ReadonlyMap<string, (value: Value) => Value>;
}

export type Value =
  | { readonly kind: "invalid" }
  | { readonly kind: "bool"; readonly type: GoType; readonly value: boolean }
  | { readonly kind: "string"; readonly type: GoType; readonly value: string }
  | { readonly kind: "int" | "uint"; readonly type: GoType; readonly value: bigint }
  | { readonly kind: "float"; readonly type: GoType; readonly value: number }
  | { readonly kind: "complex"; readonly type: GoType; readonly re: number; readonly im: number }
  | SliceValue
  | MapValue
  | StructValue
  | PointerValue
  | InterfaceValue;

export interface SliceValue {
  readonly kind: "slice";
  readonly type: GoType;
  /** null is Go's nil slice; bytes stay packed. */
  readonly items: readonly Value[] | Uint8Array | null;
}
export interface MapValue {
  readonly kind: "map";
  readonly type: GoType;
  readonly entries: ReadonlyMap<string, Value> | null;
}
export interface StructValue {
  readonly kind: "struct";
  readonly type: GoType;
  /** One per field of the type, in its order. */
  readonly fields: readonly Value[];
}
export interface PointerValue {
  readonly kind: "pointer";
  readonly type: GoType;
  readonly target: Value | null;
}
export interface InterfaceValue {
  readonly kind: "interface";
  readonly type: GoType;
  readonly inner: Value | null;
}

export const INVALID: Value = { kind: "invalid" };

export const ANY: GoType = { kind: "interface", name: "interface {}" };
export const STRING: GoType = { kind: "string", name: "string" };
export const BOOL: GoType = { kind: "bool", name: "bool" };
export const INT: GoType = { kind: "int", name: "int" };
export const UINT8: GoType = { kind: "uint", name: "uint8" };
export const FLOAT64: GoType = { kind: "float", name: "float64" };
export const COMPLEX128: GoType = { kind: "complex", name: "complex128" };
export const ANY_SLICE: GoType = { kind: "slice", name: "[]interface {}", elem: ANY };
export const STRING_SLICE: GoType = { kind: "slice", name: "[]string", elem: STRING };
export const BYTES: GoType = { kind: "slice", name: "[]uint8", elem: UINT8 };
export const ANY_MAP: GoType = { kind: "map", name: "map[string]interface {}", elem: ANY };

export function stringValue(value: string): Value {
  return { kind: "string", type: STRING, value };
}

export function boolValue(value: boolean): Value {
  return { kind: "bool", type: BOOL, value };
}

export function intValue(value: number | bigint): Value {
  return { kind: "int", type: INT, value: BigInt(value) };
}

/** A value stored where Go's static type is interface{}; "invalid" becomes the nil interface. */
export function boxed(value: Value): InterfaceValue {
  if (value.kind === "interface") return value;
  return { kind: "interface", type: ANY, inner: value.kind === "invalid" ? null : value };
}

/** A map[string]any of Go values. */
export function anyMap(entries: Readonly<Record<string, Value>>): MapValue {
  return {
    kind: "map",
    type: ANY_MAP,
    entries: new Map(Object.entries(entries).map(([key, value]) => [key, boxed(value)])),
  };
}

/** What json.Unmarshal into `any` makes of decoded JSON: numbers are float64, objects map[string]any, null nothing. */
export function fromJson(data: unknown): Value {
  if (typeof data === "string") return stringValue(data.toWellFormed());
  if (typeof data === "boolean") return boolValue(data);
  if (typeof data === "number") return { kind: "float", type: FLOAT64, value: data };
  if (Array.isArray(data)) return { kind: "slice", type: ANY_SLICE, items: data.map((item) => boxed(fromJson(item))) };
  if (typeof data !== "object" || data === null) return INVALID;
  const entries = new Map<string, Value>();
  for (const [key, value] of Object.entries(data)) entries.set(key.toWellFormed(), boxed(fromJson(value)));
  return { kind: "map", type: ANY_MAP, entries };
}

export function typeName(value: Value): string {
  return value.kind === "invalid" ? "<nil>" : value.type.name;
}

export function zeroValue(type: GoType): Value {
  switch (type.kind) {
    case "bool":
      return { kind: "bool", type, value: false };
    case "string":
      return { kind: "string", type, value: "" };
    case "int":
    case "uint":
      return { kind: type.kind, type, value: 0n };
    case "float":
      return { kind: "float", type, value: 0 };
    case "complex":
      return { kind: "complex", type, re: 0, im: 0 };
    case "slice":
      return { kind: "slice", type, items: null };
    case "map":
      return { kind: "map", type, entries: null };
    case "struct":
      return { kind: "struct", type, fields: (type.fields ?? []).map((field) => zeroValue(field.type)) };
    case "pointer":
      return { kind: "pointer", type, target: null };
    case "interface":
      return { kind: "interface", type, inner: null };
    default:
      return type.kind satisfies never;
  }
}

/** The zero of a container's element type. */
export function zeroElement(type: GoType): Value {
  return type.elem ? zeroValue(type.elem) : INVALID;
}

export function sliceLength(slice: SliceValue): number {
  return slice.items?.length ?? 0;
}

export function sliceItem(slice: SliceValue, index: number): Value {
  const item = slice.items?.[index];
  if (typeof item === "number") return { kind: "uint", type: slice.type.elem ?? UINT8, value: BigInt(item) };
  return item ?? INVALID;
}

/** Bytes of a []byte-like slice, undefined for other slices. */
export function sliceBytes(slice: SliceValue): Uint8Array | undefined {
  if (slice.type.elem?.kind !== "uint") return undefined;
  return slice.items instanceof Uint8Array ? slice.items : new Uint8Array();
}

/** The value inside one interface; a nil interface becomes "invalid". */
export function unboxed(value: Value): Value {
  return value.kind === "interface" ? (value.inner ?? INVALID) : value;
}

/** Follows pointers and interfaces; stops at a nil one, which it returns. */
export function indirect(value: Value): { value: Value; isNil: boolean } {
  let current = value;
  for (;;) {
    const inner =
      current.kind === "pointer" ? current.target : current.kind === "interface" ? current.inner : undefined;
    if (inner === undefined) return { value: current, isNil: false };
    if (inner === null) return { value: current, isNil: true };
    current = inner;
  }
}

/** Go's len of strings, slices and maps; undefined for anything else. */
export function lengthOf(value: Value): number | undefined {
  switch (value.kind) {
    case "string":
      return utf8Length(value.value);
    case "slice":
      return sliceLength(value);
    case "map":
      return value.entries?.size ?? 0;
    default:
      return undefined;
  }
}

/** text/template's truth: everything but the zero of its kind; structs are always true. */
export function isTrue(value: Value): boolean {
  switch (value.kind) {
    case "invalid":
      return false;
    case "bool":
      return value.value;
    case "string":
      return value.value !== "";
    case "int":
    case "uint":
      return value.value !== 0n;
    case "float":
      return value.value !== 0;
    case "complex":
      return value.re !== 0 || value.im !== 0;
    case "slice":
      return sliceLength(value) > 0;
    case "map":
      return (value.entries?.size ?? 0) > 0;
    case "struct":
      return true;
    case "pointer":
      return value.target !== null;
    case "interface":
      return value.inner !== null;
    default:
      return value satisfies never;
  }
}

/** True for "invalid" and for a nil slice, map, pointer or interface. */
export function isNil(value: Value): boolean {
  switch (value.kind) {
    case "invalid":
      return true;
    case "slice":
      return value.items === null;
    case "map":
      return value.entries === null;
    case "pointer":
      return value.target === null;
    case "interface":
      return value.inner === null;
    default:
      return false;
  }
}
