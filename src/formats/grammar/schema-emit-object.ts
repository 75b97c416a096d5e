// Object shapes → rules: properties in schema order, any subset of the optional ones, then undeclared ones if asked for.
// Two rules per point: what may follow a comma there (`tail`) and whether there is one (`next`), counted if counts matter.

import { type Automaton, accepts, complement, intersect, isNothing, oneOfTexts } from "./automaton.ts";
import { automatonToGbnf, jsonEncoding } from "./automaton-to-gbnf.ts";
import type { Effort } from "./effort.ts";
import { minimize } from "./automaton-minimize.ts";
import { type Node, choice, isNever, literal, rule, sequence } from "./gbnf-ast.ts";
import type { SchemaEmitter } from "./schema-emit.ts";
import { keyGroups, propertySchemas } from "./schema-layers.ts";
import { type ObjectShape, STRING, declaredNames, isOpen } from "./schema-shape.ts";
import { about, schemaError } from "./schema-source.ts";
import { stringAutomaton } from "./schema-strings.ts";

const MAX_PROPERTIES = 2000;
const MAX_COUNTED_POINTS = 20_000;

export function emitObject(emitter: SchemaEmitter, shape: ObjectShape, hint: string, path: string): Node {
  return new ObjectEmission(emitter, shape, hint, path).emit();
}

interface Property {
  readonly pair: Node;
  readonly required: boolean;
}

class ObjectEmission {
  private readonly ws: Node;
  private readonly effort: Effort;

  constructor(
    private readonly emitter: SchemaEmitter,
    private readonly shape: ObjectShape,
    private readonly hint: string,
    private readonly path: string,
  ) {
    this.ws = emitter.builder.json("ws");
    this.effort = emitter.expander.source.effort;
  }

  emit(): Node {
    const names = declaredNames(this.shape);
    if (names.length > MAX_PROPERTIES)
      throw schemaError(this.path, `"properties" has more than ${MAX_PROPERTIES} names`);
    const allowed = this.nameAutomaton();
    const properties: Property[] = [];
    for (const name of names) {
      const required = this.shape.required.has(name);
      const possible = !this.shape.forbidden.has(name) && (allowed === undefined || accepts(allowed, name));
      if (possible)
        properties.push({
          pair: this.pair(literal(`${JSON.stringify(name)}:`), propertySchemas(this.shape, name, this.effort), name),
          required,
        });
      else if (required) return choice();
    }
    const undeclared = this.undeclared(names, allowed);
    const needed = properties.filter(({ required }) => required).length;
    const min = this.shape.min <= needed ? 0 : this.shape.min;
    if (undeclared !== undefined && min > needed + 1) {
      throw schemaError(this.path, `"minProperties" over ${needed + 1} cannot be kept with free property names`);
    }
    const max =
      undeclared === undefined && (this.shape.max ?? Infinity) >= properties.length ? undefined : this.shape.max;
    return sequence(literal("{"), this.ws, this.start(properties, undeclared, min, max));
  }

  private pair(key: Node, schemas: ReturnType<typeof propertySchemas>, name: string): Node {
    return sequence(key, this.ws, this.emitter.node(schemas, `${this.hint}-${name}`));
  }

  /** What names `propertyNames` allows; undefined for all. */
  private nameAutomaton(): Automaton | undefined {
    const { names } = this.shape;
    if (names.length === 0) return undefined;
    const parts = this.emitter.expander.expand(names).filter(({ types }) => (types & STRING) !== 0);
    const automata = parts.map((part) => stringAutomaton(part, this.path, this.effort));
    if (automata.includes(undefined)) return undefined;
    // A union, as the complement of what no part accepts.
    return about(this.path, "propertyNames", () =>
      automata.length === 1
        ? automata[0]
        : complement(
            automata
              .map((a) => complement(a ?? oneOfTexts([], this.effort)))
              .reduce((a, b) => intersect(a, b, this.effort), complement(oneOfTexts([], this.effort))),
          ),
    );
  }

  private undeclared(names: readonly string[], allowed: Automaton | undefined): Node | undefined {
    if (!isOpen(this.shape)) return undefined;
    const { layers, forbidden } = this.shape;
    const unnamed =
      layers.some(({ additional }) => additional !== undefined) ||
      layers.every(({ patterns }) => patterns.length === 0);
    const taken = [...new Set([...names, ...forbidden])];
    const free = about(this.path, "properties", () => {
      if (taken.length === 0) return allowed;
      const others = complement(oneOfTexts(taken, this.effort));
      return allowed === undefined ? others : intersect(allowed, others, this.effort);
    });
    const pairs = keyGroups(this.shape, free, unnamed, this.effort).map(({ keys, schemas }) => {
      if (keys !== undefined && isNothing(keys)) return choice();
      return this.pair(this.key(keys), schemas, "extra");
    });
    const node = choice(...pairs);
    return isNever(node) ? undefined : this.emitter.builder.add(`${this.hint}-extra-pair`, node);
  }

  private key(keys: Automaton | undefined): Node {
    if (keys === undefined) return sequence(this.emitter.builder.json("string"), literal(":"));
    const text = automatonToGbnf(
      this.emitter.builder,
      `${this.hint}-key`,
      minimize(keys, this.effort),
      jsonEncoding,
      literal('":'),
    );
    return sequence(literal('"'), text);
  }

  /**
   * After "{": the first property or the end. Built from the last property to the first; `count` runs over how many were
   * written before (one entry only when no count matters).
   */
  private start(
    properties: readonly Property[],
    undeclared: Node | undefined,
    min: number,
    max: number | undefined,
  ): Node {
    const top = max ?? min;
    if ((properties.length + 1) * (Math.min(top, properties.length + 1) + 1) > MAX_COUNTED_POINTS) {
      throw schemaError(this.path, `"minProperties" and "maxProperties" are too large to be counted in a grammar`);
    }
    // With free names the count may pass the number of declared properties.
    const highest = undeclared === undefined ? Math.min(top, properties.length) : top;
    if (highest > MAX_COUNTED_POINTS)
      throw schemaError(this.path, `"maxProperties" is too large to be counted in a grammar`);
    const up = (count: number): number => Math.min(count + 1, highest);
    const full = (count: number): boolean => max !== undefined && count >= max;
    const end = sequence(this.ws, literal("}"));
    let tails = this.undeclaredTails(undeclared, highest, up, full, (count) => (count >= min ? end : choice()));
    let nexts = tails.map((tail, count) => choice(this.comma(tail), count >= min ? end : choice()));
    let anyRequired = false;
    for (let i = properties.length - 1; i >= 0; i--) {
      const property = properties[i];
      if (property === undefined) continue;
      const shared = i > 0 && properties[i - 1]?.required === false;
      const [laterTails, laterNexts] = [tails, nexts];
      tails = laterTails.map((later, count) => {
        const written = full(count) ? choice() : sequence(property.pair, laterNexts[up(count)] ?? choice());
        return property.required ? written : this.named("tail", choice(written, later));
      });
      if (shared) tails = tails.map((tail) => this.named("tail", tail));
      anyRequired ||= property.required;
      const needsMore = anyRequired;
      nexts = tails.map((tail, count) => {
        const stop = !needsMore && count >= min ? end : choice();
        return isNever(stop) ? this.comma(tail) : this.named("next", choice(this.comma(tail), stop));
      });
    }
    const empty = !anyRequired && min === 0 ? literal("}") : choice();
    return choice(tails[0] ?? choice(), empty);
  }

  private undeclaredTails(
    undeclared: Node | undefined,
    highest: number,
    up: (count: number) => number,
    full: (count: number) => boolean,
    endAt: (count: number) => Node,
  ): Node[] {
    const tails: Node[] = Array.from({ length: highest + 1 }, () => choice());
    if (undeclared === undefined) return tails;
    // From the highest count down; the highest repeats when it is not a limit.
    for (let count = highest; count >= 0; count--) {
      if (full(count)) continue;
      const name = this.emitter.builder.reserve(`${this.hint}-extra`);
      const again = up(count) === count ? rule(name) : (tails[up(count)] ?? choice());
      const next = choice(this.comma(again), endAt(up(count)));
      this.emitter.builder.define(name, sequence(undeclared, this.named("extra-next", next)));
      tails[count] = rule(name);
    }
    return tails;
  }

  private comma(tail: Node): Node {
    return sequence(literal(","), this.ws, tail);
  }

  private named(kind: string, node: Node): Node {
    return isNever(node) || node.is === "rule" ? node : this.emitter.builder.add(`${this.hint}-${kind}`, node);
  }
}
