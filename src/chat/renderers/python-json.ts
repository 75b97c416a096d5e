// Values as Nemotron's template prints them: JSON with spaces for lists and objects, Python's str() for the rest
// (Ollama: model/renderers/nemotron3nano.go, templateValue, pythonJSON).

import { isJsonObject } from "../families/json-call.ts";
import { goScalar } from "./go-json.ts";
import type { ToolProperties, ToolProperty } from "./tool-schema.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** Go's strconv.Quote. */
function quote(text: string): string {
  let quoted = "";
  for (const char of text)
    quoted += ESCAPES[char] ?? (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char) ? char : escaped(char));
  return `"${quoted}"`;
}

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

export function pythonJson(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (isJsonObject(value)) {
    const entries = Object.keys(value)
      .sort()
      .map((key) => `${quote(key)}: ${pythonJson(value[key])}`);
    return `{${entries.join(", ")}}`;
  }
  return JSON.stringify(value ?? null);
}

export function pythonValue(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "object") return pythonJson(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  return goScalar(value);
}

export function pythonProperties(properties: ToolProperties): string {
  return `{${properties.map(([name, property]) => `${quote(name)}: ${pythonProperty(property)}`).join(", ")}}`;
}

export function pythonProperty(property: ToolProperty): string {
  const { anyOf, type, items, description, required } = property;
  const fields: string[] = [];
  if (anyOf.length > 0) fields.push(`"anyOf": [${anyOf.map(pythonProperty).join(", ")}]`);
  if (type.length > 0) fields.push(`"type": ${pythonJson(type.length === 1 ? type[0] : type)}`);
  if (items !== undefined) fields.push(`"items": ${pythonJson(items)}`);
  if (description !== "") fields.push(`"description": ${quote(description)}`);
  if (property.enum.length > 0) fields.push(`"enum": ${pythonJson(property.enum)}`);
  if (property.properties !== undefined) fields.push(`"properties": ${pythonProperties(property.properties)}`);
  if (required.length > 0) fields.push(`"required": ${pythonJson(required)}`);
  return `{${fields.join(", ")}}`;
}
