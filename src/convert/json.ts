// JSON files of a checkpoint, read as untrusted records: a field of the wrong type is an error that names file and field.

import { AppError } from "../base/errors.ts";

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Python writes Infinity and NaN, which JSON lacks; outside strings they become 0, as in Ollama (convert/json_compat.go). */
export function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      const repaired = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b/gs, (part) =>
        part.startsWith('"') ? part : "0",
      );
      return JSON.parse(repaired);
    } catch (error) {
      throw new AppError("invalid", `${fileName} is not valid JSON`, { cause: error });
    }
  }
}

/** Fields of one record; `where` names it in errors. null counts as absent. */
export class Fields {
  constructor(
    readonly record: JsonRecord,
    readonly where: string,
  ) {}

  has(name: string): boolean {
    return this.record[name] !== undefined && this.record[name] !== null;
  }

  text(name: string): string | undefined {
    return this.#read(name, "a text", isText);
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, "true or false", (value) => typeof value === "boolean");
  }

  number(name: string): number | undefined {
    return this.#read(name, "a number", isNumber);
  }

  /** A whole number that is not negative and fits GGUF's u32. The first of the names that is there counts. */
  count(...names: string[]): number | undefined {
    for (const name of names) {
      const value = this.#read(name, "a whole number", isCount);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** A positive whole number that must be there. */
  size(...names: string[]): number {
    const value = this.count(...names);
    if (value === undefined || value === 0) throw new AppError("invalid", `${this.where}: ${names[0]} is missing`);
    return value;
  }

  numbers(name: string): readonly number[] | undefined {
    return this.#read(name, "a list of numbers", (value) => Array.isArray(value) && value.every(isNumber));
  }

  texts(name: string): readonly string[] | undefined {
    return this.#read(name, "a list of texts", (value) => Array.isArray(value) && value.every(isText));
  }

  object(name: string): Fields | undefined {
    const value = this.#read(name, "an object", isRecord);
    return value === undefined ? undefined : new Fields(value, `${this.where}: ${name}`);
  }

  #read<T>(name: string, kind: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.record[name];
    if (value === undefined || value === null) return undefined;
    if (!is(value)) throw new AppError("invalid", `${this.where}: ${name} must be ${kind}`);
    return value;
  }
}

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isCount = (value: unknown): value is number =>
  isNumber(value) && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
