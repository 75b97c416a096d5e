// encoding/json's Marshal for template values: map keys sorted, struct tags obeyed, <, > and & escaped.

import { AppError } from "../../base/errors.ts";
import { formatFloat } from "./float.ts";
import { compareUtf8 } from "./go-text.ts";
import {
  isTrue,
  sliceBytes,
  sliceItem,
  sliceLength,
  type MapValue,
  type SliceValue,
  type StructValue,
  type Value,
} from "./value.ts";

// Go stops at a depth where cycles become likely; our values have none, only our stack is shallower.
const MAX_DEPTH = 1000;

const ESCAPED: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

export function jsonString(text: string): string {
  const body = text.replaceAll(/["\\<>&\u0000-\u001f\u2028\u2029\p{Cs}]/gu, (char) => {
    const code = char.charCodeAt(0);
    // A byte that is not UTF-8 becomes an escaped replacement character.
    return ESCAPED[char] ?? `\\u${(code >= 0xd800 ? 0xfffd : code).toString(16).padStart(4, "0")}`;
  });
  return `"${body}"`;
}

/** Go prints like JavaScript except that a one-digit negative exponent keeps no leading zero: both say 1e-7. */
function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) throw new AppError("invalid", `json: unsupported value: ${formatFloat(value, "g", -1)}`);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const size = Math.abs(value);
  if (size >= 1e-6 && size < 1e21) return formatFloat(value, "f", -1);
  return formatFloat(value, "e", -1).replace(/e-0(\d)$/, "e-$1");
}

function isEmptyForJson(value: Value): boolean {
  return value.kind !== "struct" && !isTrue(value);
}

function marshalSlice(slice: SliceValue, depth: number): string {
  if (slice.items === null) return "null";
  const bytes = sliceBytes(slice);
  if (bytes) return `"${Buffer.from(bytes).toString("base64")}"`;
  const items: string[] = [];
  for (let index = 0; index < sliceLength(slice); index++) items.push(marshal(sliceItem(slice, index), depth));
  return `[${items.join(",")}]`;
}

function marshalMap(map: MapValue, depth: number): string {
  if (map.entries === null) return "null";
  const keys = [...map.entries.keys()].sort(compareUtf8);
  return `{${keys.map((key) => `${jsonString(key)}:${marshal(map.entries?.get(key) ?? { kind: "invalid" }, depth)}`).join(",")}}`;
}

function marshalStruct(struct: StructValue, depth: number): string {
  const members: string[] = [];
  for (const [index, field] of (struct.type.fields ?? []).entries()) {
    const value = struct.fields[index];
    if (!value || (field.omitEmpty && isEmptyForJson(value))) continue;
    members.push(`${jsonString(field.json ?? field.name)}:${marshal(value, depth)}`);
  }
  return `{${members.join(",")}}`;
}

function marshal(value: Value, depth: number): string {
  if (depth > MAX_DEPTH) throw new AppError("invalid", "json: unsupported value: nested too deeply");
  if (value.kind === "invalid") return "null";
  if (value.type.json) return value.type.json(value);
  switch (value.kind) {
    case "bool":
      return String(value.value);
    case "string":
      return jsonString(value.value);
    case "int":
    case "uint":
      return value.value.toString();
    case "float":
      return jsonNumber(value.value);
    case "complex":
      throw new AppError("invalid", "json: unsupported type: complex128");
    case "slice":
      return marshalSlice(value, depth + 1);
    case "map":
      return marshalMap(value, depth + 1);
    case "struct":
      return marshalStruct(value, depth + 1);
    case "pointer":
      return value.target === null ? "null" : marshal(value.target, depth + 1);
    case "interface":
      return value.inner === null ? "null" : marshal(value.inner, depth + 1);
    default:
      return value satisfies never;
  }
}

export function marshalJson(value: Value): string {
  return marshal(value, 0);
}
