// Laguna: GLM-like or JSON calls in <tool_call>, thinking in <think>; models also write a bare JSON call, or a call in <user>
// (Ollama: model/parsers/laguna.go).

import type { ToolDefinition } from "../message.ts";
import type { OutputFamily, OutputOptions } from "../output-family.ts";
import { GLM_ENVELOPE } from "./glm.ts";
import {
  BARE_CALL_STARTS,
  callFromObject,
  isJsonObject,
  jsonScanner,
  parseJson,
  setArgument,
  type JsonObject,
} from "./json-call.ts";
import { SegmentParser, tagChoice, type Captured, type Exit, type ParsedCall, type Region } from "./segments.ts";
import { findTool, parameterTypes, typedElement } from "./typed-value.ts";
import { trim } from "./whitespace.ts";

const TOOL_OPEN = "<tool_call>";
const TOOL_CLOSE = "</tool_call>";
const USER_OPEN = "<user>";
const USER_CLOSE = "</user>";
const PAIR = /<arg_key>(.*?)<\/arg_key>\s*<arg_value>(.*?)<\/arg_value>/gs;
const ALIASES: Readonly<Record<string, string>> = {
  read_file: "read",
  write_file: "write",
  edit_file: "edit",
  web_fetch: "webfetch",
};
function resolveName(name: string, tools: readonly ToolDefinition[]): string {
  if (findTool(tools, name) !== undefined) return name;
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  return alias !== undefined && findTool(tools, alias) !== undefined ? alias : name;
}

function readCall(raw: string, closed: boolean, tools: readonly ToolDefinition[]): ParsedCall | undefined {
  let text = trim(raw);
  while (text.startsWith(TOOL_OPEN)) text = trim(text.slice(TOOL_OPEN.length));
  if (text.startsWith("{")) {
    const call = callFromObject(parseJson(text));
    return call === undefined ? undefined : { ...call, name: resolveName(call.name, tools) };
  }
  const start = text.search(/<arg_key>|\{/);
  const name = resolveName(trim(start === -1 ? text : text.slice(0, start)), tools);
  const body = start === -1 ? "" : text.slice(start);
  if (name === "" || /[<>\n]/.test(name)) return undefined;
  if (body.startsWith("{")) {
    const parsed = parseJson(body);
    return isJsonObject(parsed) ? { name, arguments: parsed } : undefined;
  }
  // Half a pair at the end of a cut-off answer must not be dropped to make a call of the rest.
  if (!closed && trim(body.replace(PAIR, "")) !== "") return undefined;
  const tool = findTool(tools, name);
  const args: JsonObject = {};
  for (const match of body.matchAll(PAIR)) {
    const key = trim(match[1] ?? "");
    setArgument(args, key, typedElement(match[2] ?? "", parameterTypes(tool, key)));
  }
  return { name, arguments: args };
}

function lagunaRegions({ tools, thinking }: OutputOptions): Record<string, Region> {
  const offered: Exit[] = [
    { tag: USER_OPEN, to: "user" },
    ...BARE_CALL_STARTS.map((tag): Exit => ({ tag, to: "json", keep: true })),
  ];
  const exits: Exit[] = [
    { tag: "<think>", to: "thinking" },
    { tag: TOOL_OPEN, to: "tool" },
    ...(tools.length > 0 ? offered : []),
  ];
  const asCall = (raw: string, closed: boolean): Captured => {
    const call = readCall(raw, closed, tools);
    return call === undefined ? undefined : { calls: [call] };
  };
  const known = (call: ParsedCall | undefined): call is ParsedCall =>
    call !== undefined && findTool(tools, call.name) !== undefined;
  return {
    // The answer's whitespace and a closing tag that the prompt has already written are no content.
    start: tagChoice([{ tag: "</think>", to: "start" }], { to: "content", dropSpace: true }),
    content: { is: "stream", emits: "text", exits, trailing: "drop", trimStart: false },
    echo: tagChoice([{ tag: "<think>", to: "thinking" }], { to: "thinking", dropSpace: true }),
    thinking: {
      is: "stream",
      emits: thinking ? "thinking" : "nothing",
      exits: [
        { tag: "</think>", to: "start" },
        { tag: TOOL_OPEN, to: "tool" },
      ],
      trimStart: true,
      trailing: "drop",
    },
    tool: { is: "capture", open: TOOL_OPEN, exits: [{ tag: TOOL_CLOSE, to: "start" }], read: asCall },
    user: {
      is: "capture",
      open: USER_OPEN,
      exits: [{ tag: USER_CLOSE, to: "start" }],
      read(raw, closed) {
        const call = readCall(raw, closed, tools);
        return known(call) ? { calls: [call] } : { calls: [], text: USER_OPEN + raw + (closed ? USER_CLOSE : "") };
      },
    },
    json: {
      is: "scan",
      open: "",
      to: "content",
      scanner: jsonScanner,
      read(raw) {
        const call = readCall(raw, true, tools);
        return known(call) ? { calls: [call] } : { calls: [], text: raw };
      },
    },
  };
}

function lagunaFamily(name: string, continuesPrefill: boolean): OutputFamily {
  return {
    name,
    supportsTools: true,
    supportsThinking: true,
    toolEnvelope: GLM_ENVELOPE,
    create(options) {
      const prefilled = continuesPrefill && options.lastMessage?.role === "assistant";
      return new SegmentParser(lagunaRegions(options), options.thinking && !prefilled ? "echo" : "start");
    },
  };
}

export const laguna = lagunaFamily("laguna", true);
// The later template closes a last assistant turn and opens a new one (laguna.go, LagunaV8Parser).
export const poolsideV1 = lagunaFamily("poolside-v1", false);
