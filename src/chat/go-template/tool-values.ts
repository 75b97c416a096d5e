// Tools as Go values: the types, field order and JSON of Ollama's api.Tool and its template twins
// (template/template.go, api/types.go). Printed bare, they are JSON.

import { marshalJson, jsonString } from "../../formats/gotemplate/json.ts";
import {
  ANY,
  ANY_SLICE,
  boxed,
  fromJson,
  intValue,
  STRING,
  STRING_SLICE,
  stringValue,
  sliceItem,
  sliceLength,
  type GoType,
  type SliceValue,
  type StructField,
  type StructValue,
  type Value,
} from "../../formats/gotemplate/value.ts";
import type { Tool, ToolProperty } from "./message.ts";

function strings(slice: SliceValue): string[] {
  const out: string[] = [];
  for (let index = 0; index < sliceLength(slice); index++) {
    const item = sliceItem(slice, index);
    out.push(item.kind === "string" ? item.value : "");
  }
  return out;
}

const PROPERTY_TYPE: GoType = {
  kind: "slice",
  name: "api.PropertyType",
  elem: STRING,
  string: (value) => {
    const names = value.kind === "slice" ? strings(value) : [];
    return names.length > 1 ? `[${names.join(" ")}]` : (names[0] ?? "");
  },
  json: (value) => {
    if (value.kind !== "slice" || value.items === null) return "null";
    const names = strings(value);
    return names.length === 1 ? jsonString(names[0] ?? "") : `[${names.map(jsonString).join(",")}]`;
  },
};

// Recursive types need the field list to exist before the types that use it.
const propertyFields: StructField[] = [];

const TYPESCRIPT: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  array: "any[]",
  object: "Record<string, any>",
  null: "null",
};

/** api.ToolProperty.ToTypeScriptType: alternatives joined, "any" for what JSON Schema does not name. */
export function typeScriptType(value: Value): string {
  if (value.kind !== "struct" || value.type !== TOOL_PROPERTY) return "any";
  const [anyOf, type] = value.fields;
  if (anyOf?.kind === "slice" && sliceLength(anyOf) > 0) {
    return Array.from({ length: sliceLength(anyOf) }, (_, index) => typeScriptType(sliceItem(anyOf, index))).join(
      " | ",
    );
  }
  const names = type?.kind === "slice" ? strings(type) : [];
  if (names.length === 0) return "any";
  return names.map((name) => (Object.hasOwn(TYPESCRIPT, name) ? TYPESCRIPT[name] : "any")).join(" | ");
}

const TOOL_PROPERTY: GoType = {
  kind: "struct",
  name: "api.ToolProperty",
  fields: propertyFields,
  methods: new Map([["ToTypeScriptType", (value: Value) => stringValue(typeScriptType(value))]]),
};

const ORDERED_PROPERTIES: GoType = { kind: "map", name: "map[string]api.ToolProperty", elem: TOOL_PROPERTY };

function orderedEntries(value: Value): ReadonlyMap<string, Value> {
  const om = value.kind === "struct" ? value.fields[0] : undefined;
  return (om?.kind === "map" ? om.entries : undefined) ?? new Map<string, Value>();
}

/** Nested properties keep the order they were sent in, also in JSON. */
const PROPERTIES_MAP: GoType = {
  kind: "struct",
  name: "api.ToolPropertiesMap",
  fields: [{ name: "om", type: ORDERED_PROPERTIES }],
  json: (value) =>
    `{${[...orderedEntries(value)].map(([key, entry]) => `${jsonString(key)}:${marshalJson(entry)}`).join(",")}}`,
  methods: new Map<string, (value: Value) => Value>([
    ["Len", (value) => intValue(orderedEntries(value).size)],
    ["ToMap", (value) => ({ kind: "map", type: ORDERED_PROPERTIES, entries: orderedEntries(value) })],
  ]),
};
const PROPERTIES_POINTER: GoType = { kind: "pointer", name: "*api.ToolPropertiesMap", elem: PROPERTIES_MAP };
const PROPERTY_SLICE: GoType = { kind: "slice", name: "[]api.ToolProperty", elem: TOOL_PROPERTY };

propertyFields.push(
  { name: "AnyOf", type: PROPERTY_SLICE, json: "anyOf", omitEmpty: true },
  { name: "Type", type: PROPERTY_TYPE, json: "type", omitEmpty: true },
  { name: "Items", type: ANY, json: "items", omitEmpty: true },
  { name: "Description", type: STRING, json: "description", omitEmpty: true },
  { name: "Enum", type: ANY_SLICE, json: "enum", omitEmpty: true },
  { name: "Properties", type: PROPERTIES_POINTER, json: "properties", omitEmpty: true },
  { name: "Required", type: STRING_SLICE, json: "required", omitEmpty: true },
);

const TEMPLATE_PROPERTIES: GoType = {
  kind: "map",
  name: "template.templateProperties",
  elem: TOOL_PROPERTY,
  // A nil map prints as {}, although it marshals as null.
  string: (value) => (value.kind === "map" && value.entries === null ? "{}" : marshalJson(value)),
};

const PARAMETERS: GoType = {
  kind: "struct",
  name: "template.templateToolFunctionParameters",
  fields: [
    { name: "Type", type: STRING, json: "type" },
    { name: "Defs", type: ANY, json: "$defs", omitEmpty: true },
    { name: "Items", type: ANY, json: "items", omitEmpty: true },
    { name: "Required", type: STRING_SLICE, json: "required", omitEmpty: true },
    { name: "Properties", type: TEMPLATE_PROPERTIES, json: "properties" },
  ],
};

const FUNCTION: GoType = {
  kind: "struct",
  name: "template.templateToolFunction",
  fields: [
    { name: "Name", type: STRING, json: "name" },
    { name: "Description", type: STRING, json: "description" },
    { name: "Parameters", type: PARAMETERS, json: "parameters" },
  ],
};

const TOOL: GoType = {
  kind: "struct",
  name: "template.templateTool",
  string: marshalJson,
  fields: [
    { name: "Type", type: STRING, json: "type" },
    { name: "Items", type: ANY, json: "items", omitEmpty: true },
    { name: "Function", type: FUNCTION, json: "function" },
  ],
};

const TOOLS: GoType = { kind: "slice", name: "template.templateTools", elem: TOOL, string: marshalJson };

export function text(value: string | undefined | null): Value {
  return stringValue((value ?? "").toWellFormed());
}

function anyValue(value: unknown): Value {
  return boxed(fromJson(value));
}

function stringList(type: GoType, values: readonly string[] | undefined | null): Value {
  return { kind: "slice", type, items: values?.map(text) ?? null };
}

function struct(type: GoType, fields: readonly Value[]): StructValue {
  return { kind: "struct", type, fields };
}

function propertyEntries(properties: Readonly<Record<string, ToolProperty>>): Map<string, Value> {
  return new Map(Object.entries(properties).map(([name, property]) => [name.toWellFormed(), propertyValue(property)]));
}

/** Go's decoder reads a null type as the empty string. */
function typeNames(type: ToolProperty["type"]): readonly string[] | undefined {
  if (type === undefined) return undefined;
  if (type === null) return [""];
  return typeof type === "string" ? [type] : type;
}

function propertyValue(property: ToolProperty): StructValue {
  const { anyOf, properties } = property;
  const nested =
    properties &&
    struct(PROPERTIES_MAP, [{ kind: "map", type: ORDERED_PROPERTIES, entries: propertyEntries(properties) }]);
  return struct(TOOL_PROPERTY, [
    { kind: "slice", type: PROPERTY_SLICE, items: anyOf?.map(propertyValue) ?? null },
    stringList(PROPERTY_TYPE, typeNames(property.type)),
    anyValue(property.items),
    text(property.description),
    { kind: "slice", type: ANY_SLICE, items: property.enum?.map(anyValue) ?? null },
    { kind: "pointer", type: PROPERTIES_POINTER, target: nested ?? null },
    stringList(STRING_SLICE, property.required),
  ]);
}

function toolValue(tool: Tool): StructValue {
  const { name, description, parameters = {} } = tool.function;
  const entries = parameters.properties ? propertyEntries(parameters.properties) : null;
  return struct(TOOL, [
    text(tool.type),
    anyValue(tool.items),
    struct(FUNCTION, [
      text(name),
      text(description),
      struct(PARAMETERS, [
        text(parameters.type),
        anyValue(parameters.$defs),
        anyValue(parameters.items),
        stringList(STRING_SLICE, parameters.required),
        { kind: "map", type: TEMPLATE_PROPERTIES, entries },
      ]),
    ]),
  ]);
}

/** No tools at all is Go's nil slice, which prints as null. */
export function toolsValue(tools: readonly Tool[] | undefined): Value {
  return { kind: "slice", type: TOOLS, items: tools?.map(toolValue) ?? null };
}
