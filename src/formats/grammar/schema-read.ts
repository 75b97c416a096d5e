// The keywords of one schema object that constrain values directly, read into a shape. Combinators are the expander's.
// A keyword of the standard that cannot be kept exactly is an error that names it; annotations and unknown words are not.

import { decimalOf } from "./decimal.ts";
import type { NumberBound } from "./number-range.ts";
import * as shapes from "./schema-shape.ts";
import type { ArrayShape, ObjectShape, PropertyPattern, Shape, StringPattern } from "./schema-shape.ts";
import {
  type JsonValue,
  type Schema,
  type SchemaObject,
  type SchemaSource,
  about,
  isObject,
  pointer,
  quote,
  schemaError,
} from "./schema-source.ts";
import { INTEGER_FORMATS, formatPattern } from "./string-formats.ts";

const UNSUPPORTED = [
  "contains",
  "minContains",
  "maxContains",
  "unevaluatedItems",
  "$recursiveRef",
  "$dynamicRef",
  "extends",
  "disallow",
  "divisibleBy",
];
const MAX_ENUM_VALUES = 10_000;
const MAX_VALUE_DEPTH = 64;
const MAX_VALUE_PARTS = 20_000;

const TYPE_NAMES: Readonly<Record<string, number>> = {
  null: shapes.NULL,
  boolean: shapes.BOOLEAN,
  integer: shapes.INTEGER,
  number: shapes.INTEGER | shapes.FRACTION,
  string: shapes.STRING,
  object: shapes.OBJECT,
  array: shapes.ARRAY,
};

export function readShape(schema: SchemaObject, source: SchemaSource): Shape {
  return new SchemaReader(schema, source).read();
}

class SchemaReader {
  private readonly path: string;
  private valueParts = 0;

  constructor(
    private readonly schema: SchemaObject,
    private readonly source: SchemaSource,
  ) {
    this.path = source.pathOf(schema);
  }

  read(): Shape {
    for (const keyword of UNSUPPORTED) {
      if (this.get(keyword) !== undefined) throw this.error(keyword, "is not supported");
    }
    const array = this.array();
    const shape: Shape = {
      types: this.types(),
      values: this.values(),
      notValues: [],
      number: {
        min: this.bound("minimum", "exclusiveMinimum", 1),
        max: this.bound("maximum", "exclusiveMaximum", -1),
        multiples: this.multiples(),
      },
      string: { min: this.count("minLength") ?? 0, max: this.count("maxLength"), patterns: this.patterns() },
      object: this.object(),
      array,
    };
    return this.withNumberFormat(shape);
  }

  private types(): number {
    const type = this.get("type");
    if (type === undefined) return shapes.ALL_TYPES;
    const names: readonly unknown[] = Array.isArray(type) ? type : [type];
    let mask = 0;
    for (const name of names) {
      const known = typeof name === "string" && Object.hasOwn(TYPE_NAMES, name) ? TYPE_NAMES[name] : undefined;
      if (known === undefined)
        throw this.error("type", `has the unknown type ${quote(JSON.stringify(name) ?? "undefined")}`);
      mask |= known;
    }
    // OpenAPI 3.0 spells "or null" beside the type.
    return this.get("nullable") === true ? mask | shapes.NULL : mask;
  }

  private values(): JsonValue[] | undefined {
    const values = this.get("enum");
    if (values !== undefined && !Array.isArray(values)) throw this.error("enum", "must be an array");
    if (Array.isArray(values) && values.length > MAX_ENUM_VALUES)
      throw this.error("enum", `has more than ${MAX_ENUM_VALUES} values`);
    const listed = Array.isArray(values) ? values.map((value: unknown) => this.value(value, "enum", 0)) : undefined;
    if (!Object.hasOwn(this.schema, "const")) return listed;
    const constant = this.value(this.schema["const"], "const", 0);
    const key = shapes.valueKey(constant);
    return listed === undefined || listed.some((value) => shapes.valueKey(value) === key) ? [constant] : [];
  }

  private value(value: unknown, keyword: string, depth: number): JsonValue {
    this.valueParts += 1;
    if (this.valueParts > MAX_VALUE_PARTS)
      throw this.error(keyword, `has values of more than ${MAX_VALUE_PARTS} parts`);
    if (depth > MAX_VALUE_DEPTH) throw this.error(keyword, `has a value nested more than ${MAX_VALUE_DEPTH} deep`);
    if (value === null || typeof value === "boolean" || typeof value === "string") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (Array.isArray(value)) return value.map((item: unknown) => this.value(item, keyword, depth + 1));
    if (!isObject(value)) throw this.error(keyword, "has a value that is not JSON");
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.value(item, keyword, depth + 1)]));
  }

  private bound(keyword: string, exclusiveKeyword: string, direction: 1 | -1): NumberBound | undefined {
    const value = this.number(keyword);
    const exclusive = this.get(exclusiveKeyword);
    // Draft 4 had a boolean beside the bound; later drafts have a bound of its own.
    if (typeof exclusive === "boolean") return value === undefined ? undefined : { value, exclusive };
    const strict = this.number(exclusiveKeyword);
    if (strict === undefined) return value === undefined ? undefined : { value, exclusive: false };
    const strictWins = value === undefined || (strict - value) * direction >= 0;
    return strictWins ? { value: strict, exclusive: true } : { value, exclusive: false };
  }

  private multiples(): number[] {
    const multiple = this.number("multipleOf");
    if (multiple !== undefined && multiple <= 0) throw this.error("multipleOf", "must be greater than 0");
    return multiple === undefined ? [] : [multiple];
  }

  private patterns(): StringPattern[] {
    const found: StringPattern[] = [];
    const add = (source: string, keyword: "pattern" | "format"): void => {
      found.push({ source, keyword, negative: false, path: this.path });
    };
    const pattern = this.text("pattern");
    if (pattern !== undefined) {
      add(pattern, "pattern");
    }
    const format = this.text("format");
    if (format === undefined) return found;
    const known = formatPattern(format);
    if (known === undefined) throw this.error("format", `${quote(format)} is not supported`);
    if (known !== null) add(known, "format");
    return found;
  }

  private withNumberFormat(shape: Shape): Shape {
    const format = this.text("format") ?? "";
    const limits = Object.hasOwn(INTEGER_FORMATS, format) ? INTEGER_FORMATS[format] : undefined;
    if (limits === undefined) return shape;
    const within = {
      min: { value: limits[0], exclusive: false },
      max: { value: limits[1], exclusive: false },
      multiples: [],
    };
    const types = shapes.ALL_TYPES & ~shapes.FRACTION;
    return shapes.intersectShapes(shape, { ...shapes.ANY_SHAPE, types, number: within });
  }

  private object(): ObjectShape {
    const properties = this.schemaMap("properties");
    const patterns = [...(this.schemaMap("patternProperties") ?? [])].map(([source, schema]): PropertyPattern => ({
      source,
      schema,
    }));
    const additional = this.subschema("additionalProperties");
    const unevaluated = this.get("unevaluatedProperties");
    if (isObject(unevaluated)) throw this.error("unevaluatedProperties", "is supported only as true or false");
    const names = this.subschema("propertyNames");
    const hasLayer = properties !== undefined || patterns.length > 0 || additional !== undefined;
    return {
      layers: hasLayer ? [{ properties, patterns, additional, evaluates: true, path: this.path }] : [],
      required: new Set(this.names("required")),
      forbidden: new Set(),
      names: names === undefined ? [] : [names],
      min: this.count("minProperties") ?? 0,
      max: this.count("maxProperties"),
    };
  }

  private array(): ArrayShape {
    const items = this.get("items");
    // Until draft 2019-09 an array of `items` was the prefix, and `additionalItems` the rest.
    const tupleKeyword = Array.isArray(items) ? "items" : "prefixItems";
    const tuple = this.get(tupleKeyword);
    if (tuple !== undefined && !Array.isArray(tuple)) throw this.error(tupleKeyword, "must be an array");
    const prefix = ((tuple ?? []) as unknown[]).map((item, i) =>
      this.source.schemaAt(item, pointer(this.path, tupleKeyword, i)),
    );
    const rest = this.subschema(Array.isArray(items) ? "additionalItems" : "items");
    const unique = this.get("uniqueItems");
    if (unique !== undefined && typeof unique !== "boolean") throw this.error("uniqueItems", "must be a boolean");
    return {
      layers: prefix.length > 0 || rest !== undefined ? [{ prefix, rest }] : [],
      min: this.count("minItems"),
      max: this.count("maxItems"),
      unique: unique === true,
    };
  }

  private subschema(keyword: string): Schema | undefined {
    const value = this.get(keyword);
    return value === undefined ? undefined : this.source.schemaAt(value, pointer(this.path, keyword));
  }

  private schemaMap(keyword: string): Map<string, Schema> | undefined {
    const value = this.get(keyword);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.error(keyword, "must be an object");
    return new Map(
      Object.entries(value).map(([key, item]) => [key, this.source.schemaAt(item, pointer(this.path, keyword, key))]),
    );
  }

  private names(keyword: string): string[] {
    const value = this.get(keyword);
    // Draft 3 and many hand-written tool schemas put a boolean on the property itself; it says nothing here.
    if (value === undefined || typeof value === "boolean") return [];
    if (!Array.isArray(value) || value.some((name: unknown) => typeof name !== "string"))
      throw this.error(keyword, "must be an array of strings");
    return value as string[];
  }

  private count(keyword: string): number | undefined {
    const value = this.number(keyword);
    if (value !== undefined && (!Number.isInteger(value) || value < 0))
      throw this.error(keyword, "must be a non-negative integer");
    return value;
  }

  private number(keyword: string): number | undefined {
    const value = this.get(keyword);
    if (value === undefined) return undefined;
    if (typeof value !== "number") throw this.error(keyword, "must be a number");
    about(this.path, keyword, () => decimalOf(value));
    return value;
  }

  private text(keyword: string): string | undefined {
    const value = this.get(keyword);
    if (value !== undefined && typeof value !== "string") throw this.error(keyword, "must be a string");
    return value;
  }

  /** Absent and null are the same: some clients write every keyword and null the ones they do not use. */
  private get(keyword: string): unknown {
    return Object.hasOwn(this.schema, keyword) ? (this.schema[keyword] ?? undefined) : undefined;
  }

  private error(keyword: string, reason: string): Error {
    return schemaError(this.path, `"${keyword}" ${reason}`);
  }
}
