// Calls written as XML-like elements: <function=NAME><parameter=KEY>value</parameter></function> and
// <invoke name="NAME"><parameter name="KEY">value</parameter></invoke>. Values are raw text, so they may hold any markup.

import type { ToolDefinition } from "../message.ts";
import { parseJson, setArgument, type JsonObject } from "./json-call.ts";
import type { Captured, ParsedCall } from "./segments.ts";
import { findTool, parameterTypes, typedElement } from "./typed-value.ts";
import { trim } from "./whitespace.ts";

export interface XmlDialect {
  functionOpen: string;
  /** Ends both a function's and a parameter's name. */
  nameEnd: string;
  functionClose: string;
  parameterOpen: string;
  parameterClose: string;
}

export const CODER_DIALECT: XmlDialect = {
  functionOpen: "<function=",
  nameEnd: ">",
  functionClose: "</function>",
  parameterOpen: "<parameter=",
  parameterClose: "</parameter>",
};

export const INVOKE_DIALECT: XmlDialect = {
  functionOpen: '<invoke name="',
  nameEnd: '">',
  functionClose: "</invoke>",
  parameterOpen: '<parameter name="',
  parameterClose: "</parameter>",
};

/** DeepSeek 3.2 and later: the same elements under a prefix, with an attribute that says whether a value is a string. */
export const DSML_DIALECT: XmlDialect = {
  functionOpen: '<｜DSML｜invoke name="',
  nameEnd: '">',
  functionClose: "</｜DSML｜invoke>",
  parameterOpen: '<｜DSML｜parameter name="',
  parameterClose: "</｜DSML｜parameter>",
};

/**
 * Every function element in `raw`. An unclosed block (the answer ended early) counts only if each function is closed, for
 * half a value must not become a call. A forgotten </parameter> is forgiven, as in the models' own reference parser.
 */
export function readXmlCalls(
  raw: string,
  closed: boolean,
  tools: readonly ToolDefinition[],
  dialect: XmlDialect,
): Captured {
  const calls: ParsedCall[] = [];
  let at = raw.indexOf(dialect.functionOpen);
  if (at === -1) return undefined;
  while (at !== -1) {
    const read = readFunction(raw, at + dialect.functionOpen.length, tools, dialect);
    if (read === undefined || (!closed && !read.closed)) return undefined;
    calls.push(read.call);
    at = raw.indexOf(dialect.functionOpen, read.end);
  }
  return { calls };
}

function readFunction(
  raw: string,
  start: number,
  tools: readonly ToolDefinition[],
  dialect: XmlDialect,
): { call: ParsedCall; end: number; closed: boolean } | undefined {
  const nameEnd = raw.indexOf(dialect.nameEnd, start);
  if (nameEnd === -1) return undefined;
  const name = trim(raw.slice(start, nameEnd));
  if (name === "") return undefined;
  const tool = findTool(tools, name);
  const args: JsonObject = {};
  let at = nameEnd + dialect.nameEnd.length;
  for (;;) {
    const close = raw.indexOf(dialect.functionClose, at);
    const open = raw.indexOf(dialect.parameterOpen, at);
    if (open === -1 || (close !== -1 && close < open)) {
      const end = close === -1 ? raw.length : close + dialect.functionClose.length;
      return { call: { name, arguments: args }, end, closed: close !== -1 };
    }
    const keyEnd = raw.indexOf(dialect.nameEnd, open);
    if (keyEnd === -1) return undefined;
    const [key = "", isString] = raw.slice(open + dialect.parameterOpen.length, keyEnd).split('" string="');
    const valueStart = keyEnd + dialect.nameEnd.length;
    const value = valueEnd(raw, valueStart, dialect);
    setArgument(
      args,
      trim(key),
      elementValue(raw.slice(valueStart, value.end), isString, parameterTypes(tool, trim(key))),
    );
    at = value.next;
  }
}

/** An explicit `string` attribute decides; otherwise the tool's schema does. */
function elementValue(text: string, isString: string | undefined, types: readonly string[]): unknown {
  if (isString === "true") return text;
  const parsed = isString === "false" ? parseJson(text) : undefined;
  return parsed === undefined ? typedElement(text, types) : parsed;
}

function valueEnd(raw: string, start: number, dialect: XmlDialect): { end: number; next: number } {
  const close = raw.indexOf(dialect.parameterClose, start);
  // A new parameter on its own line before the closing tag means that the tag was forgotten.
  const forgotten = raw.indexOf(`\n${dialect.parameterOpen}`, start);
  if (forgotten !== -1 && (close === -1 || forgotten < close)) return { end: forgotten, next: forgotten };
  if (close !== -1) return { end: close, next: close + dialect.parameterClose.length };
  const functionClose = raw.lastIndexOf(dialect.functionClose);
  const end = functionClose >= start ? functionClose : raw.length;
  return { end, next: end };
}
