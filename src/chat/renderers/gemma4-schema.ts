// A tool's declaration in Gemma 4's notation (Ollama: model/renderers/gemma4.go). Properties of the tool itself write a union of
// types as one text, "['STRING', 'NULL']"; schemas nested in `items` write a list. Both follow the model's own template.

import { isJsonObject } from "../families/json-call.ts";
import type { ToolDefinition } from "../message.ts";
import { bracedValue } from "./braced-text.ts";
import { goScalar } from "./go-json.ts";
import { toolSchema, type ToolProperties, type ToolProperty } from "./tool-schema.ts";

const QUOTE = '<|"|>';
const SCHEMA_VALUES = { quote: QUOTE, nullText: "null", quotesKeys: true } as const;
const STANDARD_KEYS = new Set(["description", "type", "properties", "required", "nullable"]);

type Schema = Record<string, unknown>;

function quoted(text: string): string {
  return QUOTE + text + QUOTE;
}

function list(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(",")}]`;
}

export function gemma4Declaration(tool: ToolDefinition): string {
  const schema = toolSchema(tool);
  const parts: string[] = [];
  if (schema.properties !== undefined && schema.properties.length > 0) {
    parts.push(`properties:{${schemaProperties(typedProperties(schema.properties))}}`);
  }
  if (schema.required.length > 0) parts.push(`required:${list(schema.required)}`);
  if (schema.type !== "") parts.push(`type:${quoted(schema.type.toUpperCase())}`);
  const parameters = schema.properties === undefined && schema.type === "" ? "" : `,parameters:{${parts.join(",")}}`;
  return `<|tool>declaration:${schema.name}{description:${quoted(schema.description)}${parameters}}<tool|>`;
}

function typedProperties(properties: ToolProperties): Schema {
  return Object.fromEntries(properties.map(([name, property]) => [name, typedProperty(property)]));
}

function typedProperty(property: ToolProperty): Schema {
  const types = property.type.length > 0 ? property.type : bareUnion(property);
  return {
    ...(types.length === 0 ? {} : { type: types.length === 1 ? types[0] : unionText(types) }),
    description: property.description,
    enum: property.enum,
    items: property.items,
    ...(property.properties === undefined ? {} : { properties: typedProperties(property.properties) }),
    required: property.required,
  };
}

function unionText(types: readonly string[]): string {
  return `[${types.map((type) => `'${type.toUpperCase()}'`).join(", ")}]`;
}

/** The types of an anyOf whose branches say nothing but their type; otherwise none. */
function bareUnion({ anyOf }: ToolProperty): string[] {
  const isBare = (branch: ToolProperty): boolean =>
    branch.type.length > 0 &&
    branch.anyOf.length === 0 &&
    branch.items === undefined &&
    branch.description === "" &&
    branch.enum.length === 0 &&
    branch.properties === undefined &&
    branch.required.length === 0;
  return anyOf.every(isBare) ? [...new Set(anyOf.flatMap((branch) => branch.type))] : [];
}

function typeNames(type: unknown): string[] {
  if (typeof type === "string") return [type.toUpperCase()];
  return texts(type).map((name) => name.toUpperCase());
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function typeSpec(names: readonly string[]): string | undefined {
  const [first] = names;
  if (first === undefined) return undefined;
  return `type:${names.length === 1 ? quoted(first) : list(names)}`;
}

function schemaProperties(properties: Schema): string {
  const parts: string[] = [];
  for (const name of Object.keys(properties).sort()) {
    const property = properties[name];
    if (!STANDARD_KEYS.has(name) && isJsonObject(property)) parts.push(`${name}:{${schemaProperty(property)}}`);
  }
  return parts.join(",");
}

function schemaProperty(property: Schema): string {
  const parts: string[] = [];
  const { description, items } = property;
  const names = typeNames(property["type"]);
  const [type] = names;
  if (typeof description === "string" && description !== "") parts.push(`description:${quoted(description)}`);
  if (type === "STRING" && Array.isArray(property["enum"]) && property["enum"].length > 0) {
    parts.push(`enum:${list(property["enum"].map(goScalar))}`);
  }
  if (type === "ARRAY" && isJsonObject(items) && Object.keys(items).length > 0)
    parts.push(`items:{${itemsSpec(items)}}`);
  if (property["nullable"] === true) parts.push("nullable:true");
  if (type === "OBJECT") {
    const nested = property["properties"];
    parts.push(`properties:{${schemaProperties(isJsonObject(nested) ? nested : property)}}`);
    const required = texts(property["required"]);
    if (required.length > 0) parts.push(`required:${list(required)}`);
  }
  const spec = typeSpec(names);
  if (spec !== undefined) parts.push(spec);
  return parts.join(",");
}

function itemsSpec(items: Schema): string {
  const parts: string[] = [];
  for (const key of Object.keys(items).sort()) {
    const value = items[key];
    if (value === null || value === undefined) continue;
    if (key === "properties") parts.push(`properties:{${isJsonObject(value) ? schemaProperties(value) : ""}}`);
    else if (key === "required") parts.push(`required:${list(texts(value))}`);
    else if (key === "type") parts.push(typeSpec(typeNames(value)) ?? "");
    else parts.push(`${key}:${bracedValue(value, SCHEMA_VALUES)}`);
  }
  return parts.join(",");
}
