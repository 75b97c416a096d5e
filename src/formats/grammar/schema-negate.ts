// `not` (and the untaken side of `if`): the shapes of everything a schema refuses. A schema refuses a value when one of its
// keywords does, so the negation is a list with an entry per keyword. Keywords without an exact negation are errors.

import { ALL_TYPES, ANY_SHAPE, ARRAY, FRACTION, INTEGER, OBJECT, STRING, type Shape } from "./schema-shape.ts";
import type { NumberBound } from "./number-range.ts";
import { readShape } from "./schema-read.ts";
import {
  ANNOTATIONS,
  type Schema,
  type SchemaObject,
  type SchemaSource,
  pointer,
  schemaError,
} from "./schema-source.ts";

const MAX_ALTERNATIVES = 100;

export function negateSchema(
  source: SchemaSource,
  schema: Schema,
  expand: (schema: Schema) => readonly Shape[],
): readonly Shape[] {
  if (schema === false) return [ANY_SHAPE];
  return new Negation(source, schema, expand).shapes();
}

class Negation {
  private readonly path: string;

  constructor(
    private readonly source: SchemaSource,
    private readonly schema: SchemaObject,
    private readonly expand: (schema: Schema) => readonly Shape[],
  ) {
    this.path = source.pathOf(schema);
  }

  shapes(): readonly Shape[] {
    const read = readShape(this.schema, this.source);
    const found: Shape[] = [];
    for (const keyword of Object.keys(this.schema))
      if (!ANNOTATIONS.has(keyword)) found.push(...this.refused(keyword, read));
    if (found.length > MAX_ALTERNATIVES)
      throw schemaError(this.path, `has more than ${MAX_ALTERNATIVES} ways not to hold`);
    return found;
  }

  private refused(keyword: string, read: Shape): readonly Shape[] {
    switch (keyword) {
      case "type":
        return [{ ...ANY_SHAPE, types: ALL_TYPES & ~read.types }];
      case "const":
      case "enum":
        return [{ ...ANY_SHAPE, notValues: read.values ?? [] }];
      case "pattern":
        return read.string.patterns
          .filter((pattern) => pattern.keyword === "pattern")
          .map((pattern) =>
            this.only(STRING, {
              string: { ...ANY_SHAPE.string, patterns: [{ ...pattern, negative: !pattern.negative }] },
            }),
          );
      case "minLength":
        return read.string.min === 0
          ? []
          : [this.only(STRING, { string: { ...ANY_SHAPE.string, max: read.string.min - 1 } })];
      case "maxLength":
        return [this.only(STRING, { string: { ...ANY_SHAPE.string, min: (read.string.max ?? 0) + 1 } })];
      case "minimum":
      case "exclusiveMinimum":
        return [this.beyond(read.number.min, "max")];
      case "maximum":
      case "exclusiveMaximum":
        return [this.beyond(read.number.max, "min")];
      case "minItems":
        return (read.array.min ?? 0) === 0
          ? []
          : [this.only(ARRAY, { array: { ...ANY_SHAPE.array, max: (read.array.min ?? 0) - 1 } })];
      case "maxItems":
        return [this.only(ARRAY, { array: { ...ANY_SHAPE.array, min: (read.array.max ?? 0) + 1 } })];
      case "required":
        return [...read.object.required].map((name) =>
          this.only(OBJECT, { object: { ...ANY_SHAPE.object, forbidden: new Set([name]) } }),
        );
      case "properties":
        return this.refusedProperties(read);
      case "not":
        return this.expand(this.source.schemaAt(this.schema["not"], pointer(this.path, "not")));
      case "anyOf":
        return this.expand(this.derived({ allOf: this.negatedParts("anyOf") }));
      case "allOf":
        return this.expand(this.derived({ anyOf: this.negatedParts("allOf") }));
      case "$ref":
        return this.expand(this.derived({ not: this.source.resolve(String(this.schema["$ref"]), this.schema) }));
      default:
        throw schemaError(this.path, `"${keyword}" is not supported inside "not" or "if"`);
    }
  }

  private refusedProperties(read: Shape): Shape[] {
    const properties = read.object.layers[0]?.properties ?? new Map<string, Schema>();
    return [...properties].map(([name, schema]) => {
      const layer = {
        properties: new Map([[name, this.derived({ not: schema })]]),
        patterns: [],
        additional: undefined,
        evaluates: false,
        path: this.path,
      };
      return this.only(OBJECT, { object: { ...ANY_SHAPE.object, layers: [layer], required: new Set([name]) } });
    });
  }

  private negatedParts(keyword: string): SchemaObject[] {
    const parts = this.schema[keyword];
    if (!Array.isArray(parts) || parts.length === 0)
      throw schemaError(this.path, `"${keyword}" must be an array with at least one schema`);
    return parts.map((part: unknown, i) =>
      this.derived({ not: this.source.schemaAt(part, pointer(this.path, keyword, i)) }),
    );
  }

  private derived(schema: SchemaObject): SchemaObject {
    return this.source.derived(schema, this.schema);
  }

  private beyond(bound: NumberBound | undefined, side: "min" | "max"): Shape {
    const value = bound === undefined ? undefined : { value: bound.value, exclusive: !bound.exclusive };
    return this.only(INTEGER | FRACTION, { number: { ...ANY_SHAPE.number, [side]: value } });
  }

  private only(types: number, part: Partial<Shape>): Shape {
    return { ...ANY_SHAPE, ...part, types };
  }
}
