// JSON as Go's encoding/json writes it: object keys sorted, and < > & escaped unless told otherwise. Also the variants with
// spaces or indentation that the templates want, and Go's %v for numbers.

import { isJsonObject } from "../families/json-call.ts";

export function goString(text: string, escapeHtml = true): string {
  const json = JSON.stringify(text).replace(/[\u2028\u2029]/g, unicodeEscape);
  return escapeHtml ? json.replace(/[<>&]/g, unicodeEscape) : json;
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Any decoded JSON value; Go's maps have no order, so keys come sorted. */
export function goJson(value: unknown, escapeHtml = true): string {
  if (typeof value === "string") return goString(value, escapeHtml);
  if (Array.isArray(value)) return `[${value.map((item) => goJson(item, escapeHtml)).join(",")}]`;
  if (isJsonObject(value)) return goObject(Object.keys(value).sort(), value, escapeHtml);
  return JSON.stringify(value ?? null);
}

/** Call arguments: the top level keeps the order in which the caller wrote them. */
export function argumentsJson(args: Record<string, unknown>): string {
  return goObject(Object.keys(args), args, true);
}

function goObject(keys: readonly string[], value: Record<string, unknown>, escapeHtml: boolean): string {
  return `{${keys.map((key) => `${goString(key, escapeHtml)}:${goJson(value[key], escapeHtml)}`).join(",")}}`;
}

/** A space after every `:` and `,` outside of strings (Ollama: model/renderers/json.go). */
export function spacedJson(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|[:,]/g, (part) => (part === ":" || part === "," ? `${part} ` : part));
}

/** json.MarshalIndent with four spaces. */
export function indentedJson(json: string): string {
  let depth = 0;
  const line = (): string => `\n${"    ".repeat(depth)}`;
  return json.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (part) => {
    switch (part) {
      case "{":
      case "[":
        depth++;
        return part + line();
      case "}":
      case "]":
        depth--;
        return line() + part;
      case ",":
        return part + line();
      case ":":
        return ": ";
      default:
        return part;
    }
  });
}

/** Go's %v of a float64: the exponent form already from a million on. */
export function goFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value); // JavaScript uses no exponent in this range
  const size = Math.abs(exponent).toString().padStart(2, "0");
  return `${digits}e${exponent < 0 ? "-" : "+"}${size}`;
}

/** Go's %v of a decoded JSON scalar. */
export function goScalar(value: unknown): string {
  if (typeof value === "number") return goFloat(value);
  if (value === null || value === undefined) return "<nil>";
  return typeof value === "string" ? value : goJson(value);
}
