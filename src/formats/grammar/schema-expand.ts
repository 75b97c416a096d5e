// Schemas → shapes: follows $ref, merges allOf, multiplies out anyOf, oneOf, if/then/else and dependencies, negates `not`.
// Subschemas of objects and arrays stay unexpanded, so recursive schemas end here. The number of shapes is bounded.

import { negateSchema } from "./schema-negate.ts";
import { makeDisjoint } from "./schema-disjoint.ts";
import { readShape } from "./schema-read.ts";
import { ANY_SHAPE, OBJECT, type Shape, intersectShapes } from "./schema-shape.ts";
import {
  ANYTHING,
  type Conjunction,
  type Schema,
  type SchemaObject,
  type SchemaSource,
  isObject,
  pointer,
  schemaError,
} from "./schema-source.ts";

const MAX_SHAPES = 300;
const MAX_SHAPES_IN_ALL = 50_000;
const MAX_DEPTH = 100;

export class SchemaExpander {
  private readonly known = new Map<string, readonly Shape[]>();
  private readonly open = new Set<SchemaObject>();
  private produced = 0;
  private reentered = false;

  constructor(readonly source: SchemaSource) {}

  /** The shapes of which one must hold for all the schemas to hold; none means nothing can satisfy them. */
  expand(conjunction: Conjunction): readonly Shape[] {
    this.source.effort.spend(1 + conjunction.length);
    const key = this.source.keyOf(conjunction);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const path = this.source.pathOf(conjunction[0] ?? false);
    const found = conjunction.reduce<readonly Shape[]>(
      (sofar, schema) => this.cross(sofar, this.one(schema), path),
      [ANY_SHAPE],
    );
    this.known.set(key, found);
    return found;
  }

  /**
   * The same, asked while another expansion is under way (comparing the branches of a recursive `oneOf`); undefined when
   * the answer depends on what is being expanded.
   */
  expandIfReady(conjunction: Conjunction): readonly Shape[] | undefined {
    this.reentered = false;
    try {
      return this.expand(conjunction);
    } catch (error) {
      // With nothing else under way the schema really is circular.
      if (!this.reentered || this.open.size === 0) throw error;
      return undefined;
    } finally {
      this.reentered = false;
    }
  }

  /** Both of two alternatives lists must hold. */
  cross(a: readonly Shape[], b: readonly Shape[], path: string): readonly Shape[] {
    const found = a.flatMap((left) => b.map((right) => intersectShapes(left, right))).filter(isPossible);
    this.produced += found.length;
    if (found.length > MAX_SHAPES || this.produced > MAX_SHAPES_IN_ALL) {
      throw schemaError(path, "its alternatives multiply out to too many");
    }
    return found;
  }

  private one(schema: Schema): readonly Shape[] {
    if (schema === false) return [];
    const key = String(this.source.idOf(schema));
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const path = this.source.pathOf(schema);
    if (this.open.has(schema)) {
      this.reentered = true;
      throw schemaError(path, "it refers to itself without anything in between");
    }
    if (this.open.size >= MAX_DEPTH) throw schemaError(path, `combinators are nested more than ${MAX_DEPTH} deep`);
    this.open.add(schema);
    try {
      const found = this.combine(schema, path);
      this.known.set(key, found);
      return found;
    } finally {
      this.open.delete(schema);
    }
  }

  private combine(schema: SchemaObject, path: string): readonly Shape[] {
    let shapes: readonly Shape[] = [readShape(schema, this.source)].filter(isPossible);
    const both = (more: readonly Shape[]): void => {
      shapes = this.cross(shapes, more, path);
    };
    const ref = schema["$ref"];
    if (ref !== undefined) {
      if (typeof ref !== "string") throw schemaError(path, `"$ref" must be a string`);
      both(this.one(this.source.resolve(ref, schema)));
    }
    for (const part of this.list(schema, "allOf", path)) both(this.one(part));
    const anyOf = this.list(schema, "anyOf", path);
    if (anyOf.length > 0)
      both(
        this.union(
          anyOf.map((part) => this.one(part)),
          path,
        ),
      );
    const oneOf = this.list(schema, "oneOf", path);
    if (oneOf.length > 0) {
      const branches = oneOf.map((part) => this.cross(shapes, this.one(part), path));
      shapes = this.union(makeDisjoint(this, branches, path), path);
    }
    if (schema["not"] !== undefined) both(this.negate(schema["not"], pointer(path, "not")));
    this.conditional(schema, path, both);
    this.dependencies(schema, path, both);
    return schema["unevaluatedProperties"] === false ? shapes.map((shape) => sealed(shape, path)) : shapes;
  }

  private conditional(schema: SchemaObject, path: string, both: (more: readonly Shape[]) => void): void {
    const condition = schema["if"];
    if (condition === undefined || (schema["then"] === undefined && schema["else"] === undefined)) return;
    const branch = (test: readonly Shape[], keyword: string): readonly Shape[] => {
      const then = schema[keyword];
      return then === undefined
        ? test
        : this.cross(test, this.one(this.source.schemaAt(then, pointer(path, keyword))), path);
    };
    const test = this.source.schemaAt(condition, pointer(path, "if"));
    const otherwise = this.negate(condition, pointer(path, "if"));
    both(this.union([branch(this.one(test), "then"), branch(otherwise, "else")], path));
  }

  private dependencies(schema: SchemaObject, path: string, both: (more: readonly Shape[]) => void): void {
    for (const keyword of ["dependentRequired", "dependentSchemas", "dependencies"]) {
      const map = schema[keyword];
      if (map === undefined || map === null) continue;
      if (!isObject(map)) throw schemaError(path, `"${keyword}" must be an object`);
      for (const [name, needed] of Object.entries(map)) {
        const absent: Shape = { ...ANY_SHAPE, object: { ...ANY_SHAPE.object, forbidden: new Set([name]) } };
        both([absent, ...this.present(name, needed, keyword, path)]);
      }
    }
  }

  private present(name: string, needed: unknown, keyword: string, path: string): readonly Shape[] {
    const present = (names: readonly string[]): Shape => ({
      ...ANY_SHAPE,
      types: OBJECT,
      object: { ...ANY_SHAPE.object, required: new Set(names) },
    });
    if (Array.isArray(needed) && keyword !== "dependentSchemas") {
      if (needed.some((other: unknown) => typeof other !== "string"))
        throw schemaError(path, `"${keyword}" must name properties`);
      return [present([name, ...(needed as string[])])];
    }
    if (keyword === "dependentRequired") throw schemaError(path, `"${keyword}" must hold arrays`);
    return this.cross([present([name])], this.one(this.source.schemaAt(needed, pointer(path, keyword, name))), path);
  }

  private negate(value: unknown, path: string): readonly Shape[] {
    const shapes = negateSchema(this.source, this.source.schemaAt(value, path), (part) => this.one(part));
    return this.union([shapes.map(withoutEvaluation)], path);
  }

  private union(lists: readonly (readonly Shape[])[], path: string): readonly Shape[] {
    const found = [...new Set(lists.flat())];
    if (found.length > MAX_SHAPES) throw schemaError(path, `has more than ${MAX_SHAPES} alternatives`);
    return found;
  }

  private list(schema: SchemaObject, keyword: string, path: string): Schema[] {
    const value = schema[keyword];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value) || value.length === 0)
      throw schemaError(path, `"${keyword}" must be an array with at least one schema`);
    if (value.length > MAX_SHAPES) throw schemaError(path, `"${keyword}" has more than ${MAX_SHAPES} schemas`);
    return value.map((item: unknown, i) => this.source.schemaAt(item, pointer(path, keyword, i)));
  }
}

function withoutEvaluation(shape: Shape): Shape {
  const layers = shape.object.layers.map((layer) => ({ ...layer, evaluates: false }));
  return layers.length === 0 ? shape : { ...shape, object: { ...shape.object, layers } };
}

/** `unevaluatedProperties: false` as a closed layer that allows what the layers so far speak of. */
function sealed(shape: Shape, path: string): Shape {
  const layers = shape.object.layers.filter(({ evaluates }) => evaluates);
  if (layers.some(({ additional }) => additional !== undefined)) return shape;
  const seal = {
    properties: new Map(
      layers.flatMap(({ properties }) => [...(properties?.keys() ?? [])].map((name) => [name, ANYTHING])),
    ),
    patterns: layers.flatMap(({ patterns }) => patterns.map(({ source }) => ({ source, schema: ANYTHING }))),
    additional: false as const,
    evaluates: true,
    path,
  };
  return { ...shape, object: { ...shape.object, layers: [...shape.object.layers, seal] } };
}

function isPossible(shape: Shape): boolean {
  return shape.types !== 0 && shape.values?.length !== 0;
}
