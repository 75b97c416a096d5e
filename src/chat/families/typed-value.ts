// Arguments that arrive as bare text (XML-like formats) become values of the type that the tool's schema declares.
// The order of preference among a union's types is Ollama's (model/parsers/qwen3coder.go, parseTypedToolValue).

import type { ToolDefinition } from "../message.ts";
import { isJsonObject, parseJson } from "./json-call.ts";

const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

export function findTool(tools: readonly ToolDefinition[], name: string): ToolDefinition | undefined {
  return tools.find((tool) => tool.function.name === name);
}

/** The schema of one parameter of a tool, where it has one. */
export function parameterSchema(
  tool: ToolDefinition | undefined,
  parameter: string,
): Record<string, unknown> | undefined {
  const properties = tool?.function.parameters?.["properties"];
  if (!isJsonObject(properties) || !Object.hasOwn(properties, parameter)) return undefined;
  const schema = properties[parameter];
  return isJsonObject(schema) ? schema : undefined;
}

export function parameterTypes(tool: ToolDefinition | undefined, parameter: string): readonly string[] {
  const schema = parameterSchema(tool, parameter);
  if (schema === undefined) return [];
  const anyOf = schema["anyOf"];
  if (Array.isArray(anyOf) && anyOf.length > 0)
    return anyOf.flatMap((branch) => typeNames(isJsonObject(branch) ? branch["type"] : undefined));
  return typeNames(schema["type"]);
}

function typeNames(type: unknown): string[] {
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? type.filter((name) => typeof name === "string") : [];
}

export function typedValue(raw: string, types: readonly string[]): unknown {
  if (raw.toLowerCase() === "null") return null;
  const only = types.length === 1;
  if (types.includes("boolean")) {
    const lower = raw.toLowerCase();
    if (lower === "true" || lower === "false") return lower === "true";
    if (only) return false; // what the models' own reference parser does
  }
  if (types.includes("integer") && INTEGER.test(raw)) return Number(raw);
  if (types.includes("number") && DECIMAL.test(raw) && Number.isFinite(Number(raw))) return Number(raw);
  if (types.includes("array")) {
    const parsed = parseJson(raw);
    if (Array.isArray(parsed)) return parsed;
  }
  if (types.includes("object")) {
    const parsed = parseJson(raw);
    if (isJsonObject(parsed)) return parsed;
  }
  return raw;
}

/** As `typedValue`, without the one newline that some templates put on either side of a value. */
export function typedElement(raw: string, types: readonly string[]): unknown {
  let value = raw;
  if (value.startsWith("\n")) value = value.slice(1);
  if (value.endsWith("\n")) value = value.slice(0, -1);
  return typedValue(value, types);
}
