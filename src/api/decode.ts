// unknown + schema → typed value, as Go would fill a struct: field names match in any letter case, null counts as absent,
// unknown fields are dropped, and a wrong type is refused in Go's words.

import { Kind, type Static, type TObject, type TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import { ValueErrorType } from "@sinclair/typebox/value";
import { AppError, toAppError } from "../base/errors.ts";
import { type JsonText, readFirstJson } from "./go-json.ts";
import { checkBase64, keepAliveMs, thinkWish } from "./go-types.ts";

/** What Go calls the field's type in an error; set on a schema where the default does not fit. */
export interface GoTyped {
  readonly goType?: string;
  /** The type decodes itself: a mistake in it ends the decoding, and is told as one of the struct around it. */
  readonly decodesItself?: boolean;
}

const GO_TYPES: Record<string, string> = {
  String: "string",
  Integer: "int",
  Number: "float64",
  Boolean: "bool",
};

const INT64_END = 2 ** 63;

/** Types that are read as any value and then refuse some of them at once. */
const SELF_DECODED: Readonly<Record<string, (value: unknown) => unknown>> = {
  "api.Duration": keepAliveMs,
  "api.ThinkValue": thinkWish,
};

/** Decodes a request body. Throws `invalid` with the text Ollama would answer. */
export function decodeBody<S extends TObject>(schema: S, text: string): Static<S> {
  const { value, literalOf } = readFirstJson(text);
  return decode(schema, value, literalOf);
}

export function decodeValue<S extends TObject>(schema: S, value: unknown): Static<S> {
  return decode(schema, value, () => undefined);
}

function decode<S extends TObject>(schema: S, value: unknown, literalOf: JsonText["literalOf"]): Static<S> {
  const folding = new Folding(literalOf);
  const folded = folding.fold(schema, value ?? {}, { struct: "", path: "" });
  folding.throwFirst();
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

/** Where a value stands: in which struct, as Go names it in errors, and by which fields it is reached. */
interface Place {
  readonly struct: string;
  readonly path: string;
  /** Inside a type that decodes itself the struct stays the one around it. */
  readonly isSealed?: boolean;
}

function below(place: Place, schema: TObject, field: string): Place {
  return {
    ...place,
    struct: place.isSealed === true ? place.struct : (schema.title ?? place.struct),
    path: place.path === "" ? field : `${place.path}.${field}`,
  };
}

/** `literal` is shown of a number that would fit the kind but not the type. */
function mismatch(value: unknown, place: Place, goType: string, literal?: string): AppError {
  const isShown = typeof value === "number" && (goType === "int" || goType === "float64");
  const kind = isShown ? `number ${literal ?? String(value)}` : jsonKind(value);
  const where = place.path === "" ? "Go value" : `Go struct field ${place.struct}.${place.path}`;
  return new AppError("invalid", `json: cannot unmarshal ${kind} into ${where} of type ${goType}`);
}

function goTypeOf(schema: TSchema & GoTyped): string {
  return (
    schema.goType ??
    GO_TYPES[schema[Kind]] ??
    (schema.title === undefined ? "map[string]interface {}" : `api.${schema.title}`)
  );
}

function isInt64(value: number, literal: string | undefined): boolean {
  if (literal === undefined) return Number.isInteger(value) && Math.abs(value) < INT64_END;
  return /^-?\d+$/.test(literal) && BigInt.asIntN(64, BigInt(literal)) === BigInt(literal);
}

/** Goes on after a value of the wrong type, as Go does, to end with the first. */
class Folding {
  #first: AppError | undefined;

  constructor(readonly literalOf: JsonText["literalOf"]) {}

  throwFirst(): void {
    if (this.#first !== undefined) throw this.#first;
  }

  fold(schema: TSchema & GoTyped, value: unknown, place: Place, literal?: string): unknown {
    if (schema.decodesItself === true && place.isSealed !== true) {
      const inner = new Folding(this.literalOf);
      const folded = inner.fold(schema, value, { ...place, isSealed: true });
      inner.throwFirst();
      return folded;
    }
    switch (schema[Kind]) {
      case "Object":
        return isRecord(value) ? this.#object(schema as TObject, value, place) : this.#refuse(schema, value, place);
      case "Array":
        return Array.isArray(value)
          ? this.#array(schema["items"] as TSchema, value, place)
          : this.#refuse(schema, value, place);
      case "Record":
        return isRecord(value) ? this.#record(schema, value, place) : this.#refuse(schema, value, place);
      case "String":
        return typeof value === "string" ? this.#text(schema, value) : this.#refuse(schema, value, place);
      case "Boolean":
        return typeof value === "boolean" ? value : this.#refuse(schema, value, place);
      case "Integer":
        if (typeof value === "number" && isInt64(value, literal)) return value;
        return this.#refuse(schema, value, place, literal);
      case "Number":
        return Number.isFinite(value) ? value : this.#refuse(schema, value, place, literal);
      default:
        return this.#any(schema, value, place, literal);
    }
  }

  #refuse(schema: TSchema & GoTyped, value: unknown, place: Place, literal?: string): undefined {
    this.#first ??= mismatch(value, place, goTypeOf(schema), literal);
    return undefined;
  }

  #text(schema: TSchema & GoTyped, value: string): string {
    try {
      if (schema.goType === "api.ImageData") checkBase64(value);
    } catch (error) {
      this.#first ??= toAppError(error);
    }
    return value;
  }

  #any(schema: TSchema & GoTyped, value: unknown, place: Place, literal?: string): unknown {
    if (typeof value === "number" && !Number.isFinite(value)) {
      this.#first ??= mismatch(value, place, "float64", literal);
      return undefined;
    }
    SELF_DECODED[schema.goType ?? ""]?.(value);
    return value;
  }

  #array(item: TSchema, values: readonly unknown[], place: Place): unknown[] {
    return values.map((value, index) =>
      this.fold(item, value ?? zeroOf(item), place, this.#literal(values, String(index), value)),
    );
  }

  /** A name leads to a value of the schema that stands under its pattern. */
  #record(schema: TSchema, value: Record<string, unknown>, place: Place): Record<string, unknown> {
    const item = Object.values(schema["patternProperties"] as Record<string, TSchema>)[0];
    if (item === undefined) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => {
        return [key, this.fold(item, each ?? zeroOf(item), place, this.#literal(value, key, each))] as const;
      }),
    );
  }

  #object(schema: TObject, value: Record<string, unknown>, place: Place): Record<string, unknown> {
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
      result[name] = this.fold(property, item, below(place, schema, name), this.#literal(value, key, item));
    }
    return result;
  }

  #literal(holder: object, key: string, value: unknown): string | undefined {
    return typeof value === "number" ? this.literalOf(holder, key) : undefined;
  }
}

/** Go leaves a null array element at its type's zero value. */
function zeroOf(schema: TSchema): unknown {
  const zeros: Record<string, unknown> = { String: "", Integer: 0, Number: 0, Boolean: false, Array: [], Object: {} };
  return zeros[schema[Kind]] ?? null;
}
