// Shapes → grammar rules. Every set of schemas that must hold together becomes at most one rule, so recursion in the
// schema is recursion in the grammar; subschemas wait in a list, so depth in the schema is not depth here.

import { automatonToGbnf, jsonEncoding, plainEncoding } from "./automaton-to-gbnf.ts";
import { isNothing } from "./automaton.ts";
import { EMPTY, type Node, choice, literal, rule, sequence } from "./gbnf-ast.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { numberAutomaton } from "./number-range.ts";
import { emitArray } from "./schema-emit-array.ts";
import { emitObject } from "./schema-emit-object.ts";
import type { SchemaExpander } from "./schema-expand.ts";
import * as shapes from "./schema-shape.ts";
import { type Shape, valueKey } from "./schema-shape.ts";
import { type Conjunction, type JsonValue, about, schemaError } from "./schema-source.ts";
import { stringAutomaton } from "./schema-strings.ts";
import { textTrie } from "./text-trie.ts";
import { fits } from "./schema-validate.ts";

interface Task {
  readonly name: string;
  readonly conjunction: Conjunction;
  readonly hint: string;
}

const MAX_HINT = 40;
/** More listed values than this are written as a trie: an alternative each would be a parse stack each. */
const MAX_LISTED = 40;
const MAX_LISTED_STRUCTURES = 200;

export class SchemaEmitter {
  private readonly names = new Map<string, string>();
  private readonly tasks: Task[] = [];
  /** Strings with the same constraints share one rule. */
  private readonly strings = new Map<string, Node>();

  constructor(
    readonly builder: GrammarBuilder,
    readonly expander: SchemaExpander,
  ) {}

  /** Defines the rule `name` for a schema, and all it needs. */
  emitRoot(name: string, conjunction: Conjunction): void {
    this.builder.claim(name);
    const targets = this.targets(conjunction);
    this.names.set(this.expander.source.keyOf(targets), name);
    this.tasks.push({ name, conjunction: targets, hint: "" });
    for (let task = this.tasks.pop(); task !== undefined; task = this.tasks.pop()) {
      this.builder.define(task.name, this.body(task.conjunction, task.hint));
    }
  }

  /** A reference to what satisfies all the schemas. */
  node(schemas: Conjunction, longHint: string): Node {
    const hint = longHint.slice(-MAX_HINT);
    const conjunction = this.targets(schemas);
    const key = this.expander.source.keyOf(conjunction);
    const known = this.names.get(key);
    if (known !== undefined) return rule(known);
    const simple = this.simple(conjunction);
    if (simple !== undefined) return simple;
    const name = this.builder.reserve(hint);
    this.names.set(key, name);
    this.tasks.push({ name, conjunction, hint });
    return rule(name);
  }

  private targets(conjunction: Conjunction): Conjunction {
    return conjunction.map((schema) => this.expander.source.target(schema));
  }

  /** Unconstrained types need no rule of their own. */
  private simple(conjunction: Conjunction): Node | undefined {
    if (conjunction.every((schema) => schema !== false && Object.keys(schema).length === 0))
      return this.builder.json("value");
    const [shape, more] = this.expander.expand(conjunction);
    if (shape === undefined) return choice();
    if (more !== undefined) return undefined;
    return this.plain(shape);
  }

  /** The shared rule of a shape that constrains nothing but its type. */
  private plain(shape: Shape): Node | undefined {
    if (shape.values !== undefined || shape.notValues.length > 0) return undefined;
    const { number, string, object, array, types } = shape;
    const free = {
      number: number.min === undefined && number.max === undefined && number.multiples.length === 0,
      string: string.patterns.length === 0 && string.min === 0 && string.max === undefined,
      object:
        object.layers.length + object.required.size + object.forbidden.size + object.names.length + object.min === 0 &&
        object.max === undefined,
      array: array.layers.length === 0 && array.min === undefined && array.max === undefined && !array.unique,
    };
    if (types === shapes.ALL_TYPES) return Object.values(free).every(Boolean) ? this.builder.json("value") : undefined;
    if (types === shapes.STRING && free.string) return this.builder.json("string");
    if (types === shapes.INTEGER && free.number) return this.builder.json("integer");
    if (types === (shapes.INTEGER | shapes.FRACTION) && free.number) return this.builder.json("number");
    if (types === shapes.BOOLEAN) return this.builder.json("boolean");
    if (types === shapes.NULL) return this.builder.json("null");
    if (types === shapes.OBJECT && free.object) return this.builder.json("object");
    return types === shapes.ARRAY && free.array ? this.builder.json("array") : undefined;
  }

  private body(conjunction: Conjunction, hint: string): Node {
    const path = this.expander.source.pathOf(conjunction[0] ?? false);
    return choice(...this.expander.expand(conjunction).map((shape) => this.shape(shape, hint, path)));
  }

  private shape(shape: Shape, hint: string, path: string): Node {
    if (shape.values !== undefined) return this.listed(shape, shape.values, hint, path);
    const plain = this.plain(shape);
    if (plain !== undefined) return plain;
    const has = (type: number): boolean => (shape.types & type) !== 0;
    const refused = new Set(shape.notValues.map(valueKey));
    const structured = shape.notValues.some(
      (value) => typeof value === "object" && value !== null && has(shapes.typeOfValue(value)),
    );
    if (structured) throw schemaError(path, `"not" of an object or array value is not supported`);
    const options: Node[] = [];
    if (has(shapes.NULL) && !refused.has("null")) options.push(this.builder.json("null"));
    if (has(shapes.BOOLEAN)) options.push(...["true", "false"].filter((word) => !refused.has(word)).map(literal));
    if (has(shapes.INTEGER | shapes.FRACTION)) options.push(this.number(shape, hint, path));
    if (has(shapes.STRING)) options.push(this.string(shape, hint, path));
    if (has(shapes.OBJECT)) options.push(emitObject(this, shape.object, hint, path));
    if (has(shapes.ARRAY)) options.push(emitArray(this, shape.array, hint, path));
    return choice(...options);
  }

  private listed(shape: Shape, values: readonly JsonValue[], hint: string, path: string): Node {
    const fitting = values.filter((value) => fits(this.expander, value, shape));
    if (fitting.length <= MAX_LISTED) return choice(...fitting.map((value) => this.value(value)));
    const structured = fitting.filter((value) => typeof value === "object" && value !== null);
    if (structured.length > MAX_LISTED_STRUCTURES) {
      throw schemaError(path, `"enum" has more than ${MAX_LISTED_STRUCTURES} objects and arrays`);
    }
    const plain = fitting.filter((value) => typeof value !== "object" || value === null);
    const texts = plain.map((value) => JSON.stringify(value));
    return choice(textTrie(this.builder, hint || "value", texts), ...structured.map((value) => this.value(value)));
  }

  /** One value, with the usual blanks inside it. */
  value(value: JsonValue): Node {
    if (value === null || typeof value !== "object") return literal(JSON.stringify(value));
    const ws = this.builder.json("ws");
    const isArray = Array.isArray(value);
    const parts = Object.entries(value).map(([key, item]: [string, JsonValue]) =>
      isArray ? this.value(item) : sequence(literal(`${JSON.stringify(key)}:`), ws, this.value(item)),
    );
    const [open, close] = isArray ? ["[", "]"] : ["{", "}"];
    if (parts.length === 0) return literal(open + close);
    const items = parts.map((part, i) => (i === 0 ? part : sequence(literal(","), ws, part)));
    return sequence(literal(open), ws, ...items, ws, literal(close));
  }

  private number(shape: Shape, hint: string, path: string): Node {
    const integer = (shape.types & shapes.FRACTION) === 0;
    if (!integer && (shape.types & shapes.INTEGER) === 0)
      throw schemaError(path, `"not" of type "integer" is not supported for numbers`);
    const { min, max, multiples } = shape.number;
    const refused = shape.notValues.filter((value) => typeof value === "number");
    if (!integer && refused.length > 0) throw schemaError(path, `"not" of a number is supported only for integers`);
    if (min === undefined && max === undefined && multiples.length === 0 && refused.length === 0) {
      return this.builder.json(integer ? "integer" : "number");
    }
    const keyword = multiples.length > 0 ? "multipleOf" : min === undefined ? "maximum" : "minimum";
    return about(path, keyword, () => {
      const automaton = numberAutomaton(shape.number, integer, this.expander.source.effort, refused);
      if (isNothing(automaton)) return choice();
      return automatonToGbnf(this.builder, hint || "number", automaton, plainEncoding, EMPTY);
    });
  }

  private string(shape: Shape, hint: string, path: string): Node {
    const quoted = (inner: Node): Node => sequence(literal('"'), inner, literal('"'));
    const { min, max, patterns } = shape.string;
    const key = JSON.stringify([
      min,
      max,
      patterns.map((pattern) => [pattern.source, pattern.negative]),
      shape.notValues,
      shape.values,
    ]);
    const known = this.strings.get(key);
    if (known !== undefined) return known;
    const automaton = stringAutomaton(shape, path, this.expander.source.effort, true);
    if (automaton !== undefined) {
      const text = (): Node => automatonToGbnf(this.builder, hint || "text", automaton, jsonEncoding, literal('"'));
      const node = isNothing(automaton) ? choice() : this.builder.add(hint || "text", sequence(literal('"'), text()));
      this.strings.set(key, node);
      return node;
    }
    const keyword = max === undefined ? "minLength" : "maxLength";
    return about(path, keyword, () => quoted(this.builder.times(hint || "text", this.builder.json("char"), min, max)));
  }
}
