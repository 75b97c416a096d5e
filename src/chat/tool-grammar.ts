// tool_choice by grammar: the text a family writes for its calls, with each tool's arguments held to its schema.

import { AppError } from "../base/errors.ts";
import { printLiteral } from "../formats/grammar/gbnf-print.ts";
import { schemasToGrammar } from "../formats/grammar/schema-to-gbnf.ts";
import type { ToolDefinition } from "./message.ts";
import type { ToolEnvelope } from "./output-family.ts";

/** Any JSON object: for tools that declare no parameters. */
const OPEN_OBJECT = { type: "object" };

/** A GBNF grammar of one or more calls of these tools. Throws `invalid` when a parameter schema cannot be kept. */
export function toolGrammar(envelope: ToolEnvelope, tools: readonly ToolDefinition[], parallel: boolean): string {
  const schemas = new Map<string, unknown>();
  const rules: string[] = [];
  const calls = tools.map((tool, i) => {
    const body = argumentsRule(envelope, tool, i, schemas, rules);
    const name = envelope.name === "json" ? JSON.stringify(tool.function.name).slice(1, -1) : tool.function.name;
    const head =
      envelope.beforeName +
      name +
      envelope.afterName +
      (envelope.nameAgain === undefined ? "" : name + envelope.nameAgain);
    rules.push(`call-${i} ::= ${text(head)} ${body} ${text(envelope.afterArguments)}`);
    return `call-${i}`;
  });
  if (calls.length === 0) throw new AppError("invalid", "tool_choice asks for a call, but no tools were given");
  const more = parallel && envelope.between !== undefined ? ` (${text(envelope.between)} any-call)*` : "";
  const root = `root ::= ${text(envelope.begin)} any-call${more} ${text(envelope.end)}`;
  const fragments = schemas.size === 0 ? "" : schemasToGrammar(schemas);
  return [root, `any-call ::= ${calls.join(" | ")}`, ...rules, fragments].join("\n");
}

function text(value: string): string {
  return value === "" ? '""' : printLiteral(value);
}

function argumentsRule(
  envelope: ToolEnvelope,
  tool: ToolDefinition,
  index: number,
  schemas: Map<string, unknown>,
  rules: string[],
): string {
  const schema: Readonly<Record<string, unknown>> = tool.function.parameters ?? OPEN_OBJECT;
  const form = envelope.arguments;
  if (form.as === "json") {
    schemas.set(`args-${index}`, schema);
    return `args-${index}`;
  }
  const properties = Object.entries(propertiesOf(schema));
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const parts = properties.map(([key, property], at) => {
    const rule = `arg-${index}-${at}`;
    const raw = form.as === "elements" ? rawText(property) : undefined;
    if (raw === undefined) schemas.set(rule, property);
    else rules.push(`${rule} ::= ${raw}`);
    const written =
      form.as === "elements"
        ? `${text(form.beforeName + key + form.afterName)} ${rule} ${text(form.afterValue)}`
        : `${text(key + form.assign)} ${rule}`;
    return { written, required: required.has(key) };
  });
  return form.as === "elements" ? elements(parts) : keywords(parts, form.separator, `rest-${index}`, rules);
}

/** Keywords of a text that cannot be kept where it stands raw between tags. */
const UNKEPT = ["pattern", "format", "minLength", "maxLength"];

/** Texts stand raw between the tags, everything else as JSON (undefined). */
function rawText(property: unknown): string | undefined {
  if (typeof property !== "object" || property === null) return undefined;
  const schema = property as Readonly<Record<string, unknown>>;
  const choices = "const" in schema ? [schema["const"]] : schema["enum"];
  if (Array.isArray(choices) && choices.length > 0 && choices.every((choice) => typeof choice === "string")) {
    return choices.map(text).join(" | ");
  }
  if (schema["type"] !== "string") return undefined;
  const unkept = UNKEPT.find((keyword) => keyword in schema);
  if (unkept !== undefined) {
    throw new AppError(
      "invalid",
      `tool_choice cannot enforce '${unkept}' of a text argument with this model's way of calling tools`,
    );
  }
  return "[^<]*";
}

interface Part {
  readonly written: string;
  readonly required: boolean;
}

function elements(parts: readonly Part[]): string {
  return parts.map(({ written, required }) => (required ? `(${written})` : `(${written})?`)).join(" ") || '""';
}

/** Separators stand only between what is there: one rule for "nothing written yet", one for "something was". */
function keywords(parts: readonly Part[], separator: string, name: string, rules: string[]): string {
  for (let at = parts.length; at >= 0; at--) {
    const part = parts[at];
    if (part === undefined) {
      rules.push(`${name}-${at}-first ::= ""`, `${name}-${at}-next ::= ""`);
      continue;
    }
    const after = `${name}-${at + 1}-next`;
    const skip = (state: string) => (part.required ? "" : ` | ${name}-${at + 1}-${state}`);
    rules.push(`${name}-${at}-first ::= ${part.written} ${after}${skip("first")}`);
    rules.push(`${name}-${at}-next ::= ${text(separator)} ${part.written} ${after}${skip("next")}`);
  }
  return `${name}-0-first`;
}

function propertiesOf(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const properties = schema["properties"];
  return typeof properties === "object" && properties !== null ? (properties as Record<string, unknown>) : {};
}
