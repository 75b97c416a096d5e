// Values as Gemma's prompts write them: `{key:value}` with sorted bare keys and strings between a delimiter of their own
// (Ollama: model/renderers/functiongemma.go, gemma4.go, formatArgValue).

import { isJsonObject } from "../families/json-call.ts";
import { goFloat } from "./go-json.ts";

export interface BracedForm {
  quote: string;
  /** FunctionGemma prints Go's nil; Gemma 4 writes null. */
  nullText: string;
  /** Keys stand between quotes too, as in schemas. */
  quotesKeys?: true;
}

export function bracedValue(value: unknown, form: BracedForm): string {
  if (value === null || value === undefined) return form.nullText;
  if (typeof value === "string") return form.quote + value + form.quote;
  if (typeof value === "number") return isInt64(value) ? BigInt(value).toString() : goFloat(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (Array.isArray(value)) return `[${value.map((item) => bracedValue(item, form)).join(",")}]`;
  if (isJsonObject(value)) {
    const key = (name: string): string => (form.quotesKeys ? form.quote + name + form.quote : name);
    const entries = Object.keys(value)
      .sort()
      .map((name) => `${key(name)}:${bracedValue(value[name], form)}`);
    return `{${entries.join(",")}}`;
  }
  return "";
}

function isInt64(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63;
}
