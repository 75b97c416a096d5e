// An argument's value inside XML-like elements: text as it is, the rest as Go prints it (Ollama: qwen3coder.go).

import { goJson, goScalar } from "./go-json.ts";

export function elementArgument(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return value;
  return typeof value === "object" ? goJson(value) : goScalar(value);
}

/** Text as it is, anything else as JSON. */
export function jsonArgument(value: unknown): string {
  return typeof value === "string" ? value : goJson(value);
}
