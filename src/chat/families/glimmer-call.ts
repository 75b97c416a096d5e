// Glimmer's calls: <atem:function_calls><atem:invoke name="f"><atem:parameter name="k">v</atem:parameter>… Not XML: values are
// raw text (Ollama: model/parsers/glimmer.go, parseGlimmerATEM, glimmerResolveToolName).

import type { ToolDefinition } from "../message.ts";
import { setArgument, type JsonObject } from "./json-call.ts";
import type { ParsedCall } from "./segments.ts";
import { findTool, parameterTypes, typedValue } from "./typed-value.ts";
import { trim } from "./whitespace.ts";

export const ATEM_OPEN = "<atem:function_calls>";
export const ATEM_CLOSE = "</atem:function_calls>";
const INVOKE_OPEN = '<atem:invoke name="';
const INVOKE_CLOSE = "</atem:invoke>";
const PARAMETER_OPEN = '<atem:parameter name="';
const PARAMETER_CLOSE = "</atem:parameter>";
const MESSAGE = "<|message|>";

/** The declared tool that a recipient or an invoke names; `f.f` is also a way to address an undotted tool `f`. */
export function resolveGlimmerTool(tools: readonly ToolDefinition[], name: string): ToolDefinition | undefined {
  const exact = name === "" ? undefined : findTool(tools, name);
  if (exact !== undefined) return exact;
  const dot = name.indexOf(".");
  if (dot === -1) return undefined;
  const rest = name.slice(dot + 1);
  const tool = rest === "" ? undefined : findTool(tools, rest);
  return tool !== undefined && rest.split(".")[0] === name.slice(0, dot) ? tool : undefined;
}

/** The call that `body` is, under its declared name; undefined unless it is one call of an offered tool. */
export function readAtemCall(body: string, tools: readonly ToolDefinition[]): ParsedCall | undefined {
  const text = trim(body);
  if (!text.startsWith(ATEM_OPEN) || !text.endsWith(ATEM_CLOSE)) return undefined;
  const invoke = trim(text.slice(ATEM_OPEN.length, -ATEM_CLOSE.length));
  if (!invoke.startsWith(INVOKE_OPEN) || !invoke.endsWith(INVOKE_CLOSE)) return undefined;
  const cut = cutInvokeName(invoke.slice(INVOKE_OPEN.length));
  if (cut === undefined || !cut.rest.endsWith(INVOKE_CLOSE)) return undefined;
  const tool = resolveGlimmerTool(tools, cut.name);
  if (tool === undefined) return undefined;
  const args = readParameters(cut.rest.slice(0, -INVOKE_CLOSE.length), tool);
  return args === undefined ? undefined : { name: tool.function.name, arguments: args };
}

function readParameters(text: string, tool: ToolDefinition): JsonObject | undefined {
  const args: JsonObject = {};
  let rest = text.replace(/^\n/, "").replace(/\n$/, "");
  while (rest !== "") {
    if (!rest.startsWith(PARAMETER_OPEN)) return undefined;
    rest = rest.slice(PARAMETER_OPEN.length);
    const nameEnd = rest.indexOf('">');
    const valueEnd = nameEnd === -1 ? -1 : rest.indexOf(PARAMETER_CLOSE, nameEnd + 2);
    if (valueEnd === -1) return undefined;
    const name = rest.slice(0, nameEnd);
    setArgument(args, name, typedValue(rest.slice(nameEnd + 2, valueEnd), parameterTypes(tool, name)));
    rest = rest.slice(valueEnd + PARAMETER_CLOSE.length).replace(/^\n/, "");
  }
  return args;
}

/** The model at times writes <|message|> inside the name or in place of its end; a name never holds one. */
function cutInvokeName(text: string): { name: string; rest: string } | undefined {
  let name = "";
  let rest = text;
  for (;;) {
    const end = rest.indexOf('">');
    const stray = rest.indexOf(MESSAGE);
    if (stray !== -1 && (end === -1 || stray < end)) {
      name += rest.slice(0, stray);
      rest = rest.slice(stray + MESSAGE.length);
      if (rest.startsWith(PARAMETER_OPEN)) return { name, rest };
      continue;
    }
    return end === -1 ? undefined : { name: name + rest.slice(0, end), rest: rest.slice(end + 2) };
  }
}
