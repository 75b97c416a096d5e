// A tool's definition read the way Ollama's api.Tool reads it: only the fields that it knows survive, in its own order.

import type { ToolDefinition } from "../message.ts";
import { isJsonObject } from "../families/json-call.ts";
import { goJson, goString } from "./go-json.ts";

export interface ToolProperty {
  anyOf: readonly ToolProperty[];
  type: readonly string[];
  items: unknown;
  description: string;
  enum: readonly unknown[];
  properties: ToolProperties | undefined;
  required: readonly string[];
}

export type ToolProperties = readonly (readonly [string, ToolProperty])[];

export interface ToolSchema {
  name: string;
  description: string;
  type: string;
  defs: unknown;
  items: unknown;
  required: readonly string[];
  properties: ToolProperties | undefined;
}

const MAX_DEPTH = 64;

export function toolSchema(tool: ToolDefinition): ToolSchema {
  const parameters = tool.function.parameters ?? {};
  return {
    name: tool.function.name,
    description: tool.function.description ?? "",
    type: typeof parameters["type"] === "string" ? parameters["type"] : "",
    defs: parameters["$defs"] ?? undefined,
    items: parameters["items"] ?? undefined,
    required: strings(parameters["required"]),
    properties: properties(parameters["properties"], 0),
  };
}

function properties(value: unknown, depth: number): ToolProperties | undefined {
  if (!isJsonObject(value) || depth > MAX_DEPTH) return undefined;
  return Object.entries(value).map(([name, schema]) => [name, property(schema, depth + 1)] as const);
}

function property(value: unknown, depth: number): ToolProperty {
  const schema = isJsonObject(value) ? value : {};
  const { anyOf, type } = schema;
  return {
    anyOf: Array.isArray(anyOf) && depth <= MAX_DEPTH ? anyOf.map((branch) => property(branch, depth + 1)) : [],
    type: typeof type === "string" ? [type] : strings(type),
    items: schema["items"] ?? undefined,
    description: typeof schema["description"] === "string" ? schema["description"] : "",
    enum: Array.isArray(schema["enum"]) ? schema["enum"] : [],
    properties: properties(schema["properties"], depth),
    required: strings(schema["required"]),
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function object(fields: readonly (readonly [string, string | undefined])[]): string {
  const present = fields.filter(([, json]) => json !== undefined);
  return `{${present.map(([name, json]) => `"${name}":${json ?? ""}`).join(",")}}`;
}

/** One type as a string, several as a list. */
export function typeJson(type: readonly string[]): string {
  return type.length === 1 ? goJson(type[0]) : goJson(type);
}

export function propertyJson(property: ToolProperty): string {
  const { anyOf, type, items, description, required } = property;
  return object([
    ["anyOf", anyOf.length > 0 ? `[${anyOf.map(propertyJson).join(",")}]` : undefined],
    ["type", type.length > 0 ? typeJson(type) : undefined],
    ["items", items === undefined ? undefined : goJson(items)],
    ["description", description === "" ? undefined : goString(description)],
    ["enum", property.enum.length > 0 ? goJson(property.enum) : undefined],
    ["properties", property.properties === undefined ? undefined : propertiesJson(property.properties)],
    ["required", required.length > 0 ? goJson(required) : undefined],
  ]);
}

/** The ordered map of properties escapes < > & even where its surroundings do not. */
export function propertiesJson(properties: ToolProperties): string {
  return `{${properties.map(([name, property]) => `${goString(name)}:${propertyJson(property)}`).join(",")}}`;
}

export function parametersJson(schema: ToolSchema, escapeHtml = true): string {
  return object([
    ["type", goString(schema.type, escapeHtml)],
    ["$defs", schema.defs === undefined ? undefined : goJson(schema.defs, escapeHtml)],
    ["items", schema.items === undefined ? undefined : goJson(schema.items, escapeHtml)],
    ["required", schema.required.length > 0 ? goJson(schema.required, escapeHtml) : undefined],
    ["properties", schema.properties === undefined ? "null" : propertiesJson(schema.properties)],
  ]);
}

export function functionJson(schema: ToolSchema, escapeHtml = true): string {
  return object([
    ["name", goString(schema.name, escapeHtml)],
    ["description", schema.description === "" ? undefined : goString(schema.description, escapeHtml)],
    ["parameters", parametersJson(schema, escapeHtml)],
  ]);
}

export function toolJson(tool: ToolDefinition): string {
  return `{"type":${goString(tool.type)},"function":${functionJson(toolSchema(tool))}}`;
}
