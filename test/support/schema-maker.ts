// Random JSON schemas that put the keywords we handle beside each other, and some that we do not. Without
// `unevaluatedProperties`: the code that ajv generates for it beside other combinators is often wrong or does not run.

import type { SeededRandom } from "./seeded-random.ts";

const TYPES = ["null", "boolean", "integer", "number", "string", "object", "array"];
const NAMES = ["a", "ab", "b", "x1"];

export class SchemaMaker {
  constructor(private readonly random: SeededRandom) {}

  /** A schema with two definitions that it and they may refer to. */
  document(): Record<string, unknown> {
    return { ...this.schema(3), $defs: { p: this.schema(1), q: this.schema(2) } };
  }

  private schema(depth: number): Record<string, unknown> {
    const schema: Record<string, unknown> = {};
    if (this.chance(0.75)) schema["type"] = this.chance(0.2) ? [this.pick(TYPES.slice(1)), "null"] : this.pick(TYPES);
    const type = schema["type"];
    const may = (...types: string[]): boolean => typeof type !== "string" || types.includes(type);
    if (this.chance(0.08)) schema["enum"] = [this.value(1), this.value(1), this.value(1)];
    if (this.chance(0.05)) schema["const"] = this.value(1);
    if (may("integer", "number")) this.number(schema);
    if (may("string")) this.string(schema);
    if (depth > 0 && may("array")) this.array(schema, depth - 1);
    if (depth > 0 && may("object")) this.object(schema, depth - 1);
    if (depth > 0) this.combine(schema, depth - 1);
    return schema;
  }

  private subschema(depth: number): unknown {
    return this.chance(0.06) ? this.pick([true, false, {}]) : this.schema(depth);
  }

  private number(schema: Record<string, unknown>): void {
    const bound = (): number => this.pick([-3, -1, 0, 1, 2, 2.5, 5, 10, 100, -0.5]);
    if (this.chance(0.3)) schema["minimum"] = bound();
    if (this.chance(0.3)) schema["maximum"] = bound();
    if (this.chance(0.1)) schema["exclusiveMinimum"] = bound();
    if (this.chance(0.1)) schema["exclusiveMaximum"] = bound();
    if (this.chance(0.1)) schema["multipleOf"] = this.pick([1, 2, 3, 0.5, 0.1]);
  }

  private string(schema: Record<string, unknown>): void {
    if (this.chance(0.2)) schema["minLength"] = this.random.below(4);
    if (this.chance(0.2)) schema["maxLength"] = this.random.below(6);
    if (this.chance(0.2)) schema["pattern"] = this.pick(["^a", "b$", "^[a-c]*$", "\\d", "^(?!x)", "a|b", "^.{2}$"]);
    if (this.chance(0.1)) schema["format"] = this.pick(["date", "email", "ipv4", "uuid", "time"]);
  }

  private array(schema: Record<string, unknown>, depth: number): void {
    if (this.chance(0.5)) schema["items"] = this.subschema(depth);
    if (this.chance(0.25)) schema["prefixItems"] = [this.subschema(depth), this.subschema(depth)];
    if (this.chance(0.2)) schema["minItems"] = this.random.below(4);
    if (this.chance(0.2)) schema["maxItems"] = this.random.below(4);
    if (this.chance(0.15)) schema["uniqueItems"] = true;
  }

  private object(schema: Record<string, unknown>, depth: number): void {
    const some = (chance: number): string[] => NAMES.filter(() => this.chance(chance));
    const map = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, this.subschema(depth)]));
    if (this.chance(0.8)) schema["properties"] = map(some(0.5));
    if (this.chance(0.5)) schema["required"] = [...some(0.3), ...(this.chance(0.2) ? ["z"] : [])];
    if (this.chance(0.35)) schema["additionalProperties"] = this.chance(0.5) ? false : this.subschema(depth);
    if (this.chance(0.12)) schema["patternProperties"] = map([this.pick(["^a", "1$", "^x"]), this.pick(["b", "\\d"])]);
    if (this.chance(0.1))
      schema["propertyNames"] = this.pick([{ maxLength: 1 }, { pattern: "^[a-z]*$" }, { enum: ["a", "q"] }]);
    if (this.chance(0.12)) schema["minProperties"] = this.random.below(3);
    if (this.chance(0.12)) schema["maxProperties"] = this.random.below(4);
    if (this.chance(0.1)) schema["dependentRequired"] = { [this.pick(NAMES)]: [this.pick(NAMES)] };
    if (this.chance(0.06)) schema["dependentSchemas"] = map([this.pick(NAMES)]);
  }

  private combine(schema: Record<string, unknown>, depth: number): void {
    const two = () => [this.subschema(depth), this.subschema(depth)];
    if (this.chance(0.12)) schema["anyOf"] = two();
    if (this.chance(0.1)) schema["oneOf"] = two();
    if (this.chance(0.12)) schema["allOf"] = two();
    if (this.chance(0.06)) schema["not"] = this.subschema(depth);
    if (this.chance(0.06)) [schema["if"], schema["then"]] = two();
    if (this.chance(0.06)) schema["$ref"] = this.pick(["#/$defs/p", "#/$defs/q"]);
  }

  private value(depth: number): unknown {
    const plain = this.pick([null, true, 0, 1, 2, 2.5, "a", "ab", "x1", "", "b"]);
    if (depth === 0 || this.chance(0.7)) return plain;
    return this.chance(0.5) ? [this.value(depth - 1)] : { a: this.value(depth - 1) };
  }

  private chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)] as T;
  }
}
