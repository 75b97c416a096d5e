// Calls written as JSON: `{"name": …, "arguments": {…}}` and its relatives. Nothing here throws; what is no call is undefined.

import type { Captured, ParsedCall, Scanner } from "./segments.ts";

export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // malformed, or nested too deep for the engine's stack
  }
}

/** Sets an own property even where the model chose a name such as `__proto__`. */
export function setArgument(target: JsonObject, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

/** Arguments as an object: absent or null counts as none, and an object in a string is opened (some fine-tunes write it so). */
export function argumentsObject(value: unknown): JsonObject | undefined {
  if (value === undefined || value === null) return {};
  if (isJsonObject(value)) return value;
  if (typeof value !== "string") return undefined;
  const parsed = value.trim() === "" ? {} : parseJson(value);
  return isJsonObject(parsed) ? parsed : undefined;
}

export interface CallKeys {
  name: string;
  arguments: readonly string[];
  id?: string;
}

export const NAME_AND_ARGUMENTS: CallKeys = { name: "name", arguments: ["arguments", "parameters"], id: "id" };

export function callFromObject(value: unknown, keys: CallKeys = NAME_AND_ARGUMENTS): ParsedCall | undefined {
  if (!isJsonObject(value)) return undefined;
  // OpenAI's own nesting: {"type": "function", "function": {"name": …}}
  const inner = value[keys.name] === undefined && isJsonObject(value["function"]) ? value["function"] : value;
  const name = inner[keys.name];
  if (typeof name !== "string" || name.trim() === "") return undefined;
  const key = keys.arguments.find((candidate) => Object.hasOwn(inner, candidate));
  const parsed = argumentsObject(key === undefined ? undefined : inner[key]);
  if (parsed === undefined) return undefined;
  const id = keys.id === undefined ? undefined : value[keys.id];
  return typeof id === "string" && id !== "" ? { id, name, arguments: parsed } : { name, arguments: parsed };
}

/** One object or an array of objects, each of which must be a call. */
export function readJsonCalls(text: string, keys: CallKeys = NAME_AND_ARGUMENTS): Captured {
  const parsed = parseJson(text);
  const items = Array.isArray(parsed) ? parsed : [parsed];
  const calls = items.map((item) => callFromObject(item, keys));
  const whole = calls.filter((call) => call !== undefined);
  return whole.length === calls.length && whole.length > 0 ? { calls: whole } : undefined;
}

/** Follows one JSON object or array to its closing bracket; anything else before it is counted in. */
export function jsonScanner(): Scanner {
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (piece) => {
    for (let index = 0; index < piece.length; index++) {
      const char = piece[index];
      if (inString) {
        if (escaped) escaped = false;
        else if (char === "\\") escaped = true;
        else if (char === '"') inString = false;
        continue;
      }
      if (char === '"') inString = true;
      else if (char === "{" || char === "[") depth++;
      else if (char === "}" || char === "]") {
        depth--;
        if (depth === 0) return index + 1;
      }
    }
    return -1;
  };
}

/** The balanced top-level objects in a text, and what is left of it without them. */
export function splitJsonObjects(text: string): { objects: string[]; rest: string } {
  const objects: string[] = [];
  let rest = "";
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf("{", at);
    const length = start === -1 ? -1 : jsonScanner()(text.slice(start));
    if (length === -1) break;
    rest += text.slice(at, start);
    objects.push(text.slice(start, start + length));
    at = start + length;
  }
  return { objects, rest: rest + text.slice(at) };
}

/** How a JSON call without any tag may begin; other braces in a text are text at once. */
export const BARE_CALL_STARTS: readonly string[] = ["name", "arguments"].flatMap((key) =>
  ["", " ", "\n", "\n  ", "\n    ", "\n\t"].map((space) => `{${space}"${key}"`),
);
