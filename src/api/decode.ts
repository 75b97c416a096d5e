// unknown + schema → typed value, as Go would fill a struct: field names match in any letter case, null counts as absent,
// unknown fields are dropped, and a wrong type is refused in Go's words.

import { Kind, type Static, type TObject, type TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import { ValueErrorType } from "@sinclair/typebox/value";
import { AppError } from "../base/errors.ts";
import { parseFirstJson } from "./go-json.ts";

/** What Go calls the field's type in an error; set on a schema where the default does not fit. */
export interface GoTyped {
  readonly goType?: string;
}

const GO_TYPES: Record<string, string> = {
  String: "string",
  Integer: "int",
  Number: "float64",
  Boolean: "bool",
};

const INT64_END = 2 ** 63;

/** Decodes a request body. Throws `invalid` with the text Ollama would answer. */
export function decodeBody<S extends TObject>(schema: S, text: string): Static<S> {
  return decodeValue(schema, parseFirstJson(text));
}

export function decodeValue<S extends TObject>(schema: S, value: unknown): Static<S> {
  if (value === null) return decodeValue(schema, {});
  if (!isRecord(value)) {
    throw mismatch(value, "", goTypeOf(schema));
  }
  const folded = fold(schema, value, schema.title ?? "Request");
  const check = checkOf(schema);
  if (check.Check(folded)) return folded;
  const first = check.Errors(folded).First();
  const place = (first?.path ?? "/").slice(1).replaceAll("/", ".");
  if (first?.type === ValueErrorType.ObjectRequiredProperty) throw new AppError("invalid", `${place} is required`);
  throw new AppError("invalid", `invalid value at ${place}: ${first?.message ?? "not allowed"}`);
}

/** Schemas are few and live as long as the program: what is made of one is made once. */
const checks = new WeakMap<TObject, TypeCheck<TObject>>();

function checkOf(schema: TObject): TypeCheck<TObject> {
  const check = checks.get(schema) ?? TypeCompiler.Compile(schema);
  checks.set(schema, check);
  return check;
}

const foldedNames = new WeakMap<TObject, ReadonlyMap<string, string>>();

function namesOf(schema: TObject): ReadonlyMap<string, string> {
  const names =
    foldedNames.get(schema) ?? new Map(Object.keys(schema.properties).map((name) => [name.toLowerCase(), name]));
  foldedNames.set(schema, names);
  return names;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}

function mismatch(value: unknown, field: string, goType: string): AppError {
  // Of a number that would fit the kind but not the type, Go shows which.
  const isNumber = Number.isFinite(value) && (goType === "int" || goType === "float64");
  const kind = isNumber ? `number ${String(value)}` : jsonKind(value);
  const where = field === "" ? "Go value" : `Go struct field ${field}`;
  return new AppError("invalid", `json: cannot unmarshal ${kind} into ${where} of type ${goType}`);
}

function goTypeOf(schema: TSchema & GoTyped): string {
  return (
    schema.goType ??
    GO_TYPES[schema[Kind]] ??
    (schema.title === undefined ? "map[string]interface {}" : `api.${schema.title}`)
  );
}

function fold(schema: TSchema, value: unknown, path: string): unknown {
  switch (schema[Kind]) {
    case "Object":
      if (!isRecord(value)) throw mismatch(value, path, goTypeOf(schema));
      return foldObject(schema as TObject, value, path);
    case "Array":
      if (!Array.isArray(value)) throw mismatch(value, path, goTypeOf(schema));
      return value.map((item) => fold(schema["items"] as TSchema, item ?? zeroOf(schema["items"] as TSchema), path));
    case "String":
      if (typeof value !== "string") throw mismatch(value, path, goTypeOf(schema));
      return value;
    case "Integer":
      if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) >= INT64_END)
        throw mismatch(value, path, goTypeOf(schema));
      return value;
    case "Number":
      if (typeof value !== "number" || !Number.isFinite(value)) throw mismatch(value, path, goTypeOf(schema));
      return value;
    case "Boolean":
      if (typeof value !== "boolean") throw mismatch(value, path, goTypeOf(schema));
      return value;
    case "Record":
      if (!isRecord(value)) throw mismatch(value, path, goTypeOf(schema));
      return foldRecord(schema, value, path);
    default:
      return value;
  }
}

/** Go leaves a null array element at its type's zero value. */
function zeroOf(schema: TSchema): unknown {
  const zeros: Record<string, unknown> = { String: "", Integer: 0, Number: 0, Boolean: false, Array: [], Object: {} };
  return zeros[schema[Kind]] ?? null;
}

/** A name leads to a value of the schema that stands under its pattern. */
function foldRecord(schema: TSchema, value: Record<string, unknown>, path: string): Record<string, unknown> {
  const item = Object.values(schema["patternProperties"] as Record<string, TSchema>)[0];
  if (item === undefined) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, fold(item, each ?? zeroOf(item), path)] as const),
  );
}

function foldObject(schema: TObject, value: Record<string, unknown>, path: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const byLowerCase = namesOf(schema);
  for (const [key, item] of Object.entries(value)) {
    const name = Object.hasOwn(schema.properties, key) ? key : byLowerCase.get(key.toLowerCase());
    if (name === undefined) {
      if (schema.additionalProperties === true) result[key] = item;
      continue;
    }
    const property = schema.properties[name];
    if (item === null || property === undefined) continue;
    result[name] = fold(property, item, `${path}.${name}`);
  }
  return result;
}
