// The JSON Schema document as it came in: which node is where (for messages), node numbers (for memory), and local $refs.

import { AppError } from "../../base/errors.ts";
import { Effort } from "./effort.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type SchemaObject = Readonly<Record<string, unknown>>;
/** `true` is written as an empty object. */
export type Schema = SchemaObject | false;

/** Schemas that must all hold. */
export type Conjunction = readonly Schema[];

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const ANYTHING: SchemaObject = {};
const MAX_SCHEMAS = 5000;
const MAX_PATH_CHARS = 200;
const MAX_HOPS = 100;
/** Some 300 levels of `properties` with short names. */
const MAX_PATH_LENGTH = 5000;
const MAX_PATH_KEY = 60;

/** Keywords that say nothing about values; `not` and `$ref` look past them. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
  "$schema",
  "$id",
  "id",
  "$comment",
  "$defs",
  "definitions",
]);

export class SchemaSource {
  /** Shared by all that is done for this document. */
  readonly effort = new Effort();
  private readonly paths = new Map<SchemaObject, string>();
  private readonly ids = new Map<Schema, number>();

  constructor(readonly root: unknown) {}

  rootSchema(): Schema {
    return this.schemaAt(this.root, "#");
  }

  /** Reads a value that must be a schema. */
  schemaAt(value: unknown, path: string): Schema {
    if (value === true) return ANYTHING;
    if (value === false) return false;
    if (!isObject(value)) throw schemaError(path, "a schema must be an object or a boolean");
    if (!this.paths.has(value)) {
      if (path.length > MAX_PATH_LENGTH) throw schemaError(path, "it is nested too deep");
      if (this.paths.size >= MAX_SCHEMAS)
        throw new AppError("invalid", `invalid JSON schema: more than ${MAX_SCHEMAS} subschemas`);
      this.paths.set(value, path);
    }
    return value;
  }

  /** A schema made up here stands where the one it comes from stands. */
  derived(schema: SchemaObject, from: SchemaObject): SchemaObject {
    this.paths.set(schema, this.pathOf(from));
    return schema;
  }

  pathOf(schema: Schema): string {
    return (schema !== false && this.paths.get(schema)) || "#";
  }

  idOf(schema: Schema): number {
    let id = this.ids.get(schema);
    if (id === undefined) {
      id = this.ids.size;
      this.ids.set(schema, id);
    }
    return id;
  }

  /** A schema that is nothing but a $ref is its target: recursion then meets the same rule again. */
  target(schema: Schema): Schema {
    let found = schema;
    for (let hops = 0; found !== false && hops < MAX_HOPS; hops++) {
      const ref = found["$ref"];
      if (typeof ref !== "string" || Object.keys(found).some((key) => key !== "$ref" && !ANNOTATIONS.has(key))) break;
      found = this.resolve(ref, found);
    }
    return found;
  }

  /** One key for a set of schemas, whatever their order. */
  keyOf(conjunction: Conjunction): string {
    const ids = new Set(conjunction.map((schema) => this.idOf(schema)));
    return [...ids].sort((a, b) => a - b).join();
  }

  resolve(ref: string, from: SchemaObject): Schema {
    const path = this.pathOf(from);
    if (!ref.startsWith("#"))
      throw schemaError(path, `"$ref" to ${quote(ref)} leaves the document, which is not supported`);
    const pointer = ref.slice(1);
    if (pointer !== "" && !pointer.startsWith("/"))
      throw schemaError(path, `"$ref" to the anchor ${quote(ref)} is not supported`);
    let value: unknown = this.root;
    for (const part of pointer.split("/").slice(1)) {
      const key = decodePart(part);
      const found: unknown = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
      value = Array.isArray(value) && /^\d+$/.test(key) ? (value as unknown[])[Number(key)] : found;
      if (value === undefined) throw schemaError(path, `"$ref" to ${quote(ref)} leads nowhere`);
    }
    return this.schemaAt(value, ref);
  }
}

function decodePart(part: string): string {
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch {
    // Not percent-encoded: taken as it is.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

export function pointer(path: string, ...keys: readonly (string | number)[]): string {
  const part = (key: string): string => (key.length > MAX_PATH_KEY ? `${key.slice(0, MAX_PATH_KEY)}…` : key);
  return path + keys.map((key) => `/${part(String(key)).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

export function schemaError(path: string, reason: string): AppError {
  const shown = path.length > MAX_PATH_CHARS ? `${path.slice(0, MAX_PATH_CHARS)}…` : path;
  return new AppError("invalid", `invalid JSON schema at ${shown}: ${reason}`);
}

/** Runs a step whose errors say only what is wrong, and adds which keyword and where. */
export function about<T>(path: string, keyword: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof AppError) || error.message.startsWith("invalid JSON schema")) throw error;
    throw schemaError(path, `"${keyword}" ${error.message}`);
  }
}
