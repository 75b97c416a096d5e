// Llama 3.x and Functionary, for models run through their Jinja template: a bare JSON object as the whole answer, or after
// <|python_tag|>; `<function=name>{json}</function>`; `>>>name` and a JSON object.

import type { ToolDefinition } from "../message.ts";
import type { OutputFamily, ToolEnvelope } from "../output-family.ts";
import {
  argumentsObject,
  BARE_CALL_STARTS,
  callFromObject,
  jsonScanner,
  parseJson,
  readJsonCalls,
} from "./json-call.ts";
import { parsePythonCalls } from "./python-call.ts";
import { SegmentParser, tagChoice, type Captured, type Exit, type Region } from "./segments.ts";
import { tagFamily } from "./tag-family.ts";
import { findTool } from "./typed-value.ts";
import { trim } from "./whitespace.ts";

const PYTHON_TAG = "<|python_tag|>";
/** Llama 4 puts these around code, or around nothing before a call. */
const PYTHON_NOISE = ["<|python_start|>", "<|python_end|>"];
const INTERPRETERS = ["python", "code_interpreter", "ipython"];

const LLAMA3_ENVELOPE: ToolEnvelope = {
  begin: "",
  beforeName: '{"name": "',
  name: "json",
  afterName: '", "parameters": ',
  arguments: { as: "json" },
  afterArguments: "}",
  between: "; ",
  end: "",
};

/** A JSON answer is a call, or a list of calls, only if it names tools that were offered. */
function readBare(raw: string, tools: readonly ToolDefinition[]): Captured {
  const read = readJsonCalls(raw);
  const known = read?.calls.every((call) => findTool(tools, call.name) !== undefined) === true;
  return known ? read : { calls: [], text: raw };
}

/** JSON, a built-in tool's `name.call(key="value")`, or code for an interpreter that was offered. */
function readPythonTag(raw: string, tools: readonly ToolDefinition[]): Captured {
  const call = callFromObject(parseJson(trim(raw)));
  if (call !== undefined) return { calls: [call] };
  const builtIn = parsePythonCalls(raw);
  if (builtIn?.every(({ name }) => name.endsWith(".call")) === true) {
    return { calls: builtIn.map((each) => ({ ...each, name: each.name.slice(0, -".call".length) })) };
  }
  const interpreter = INTERPRETERS.find((name) => findTool(tools, name) !== undefined);
  return interpreter === undefined ? undefined : { calls: [{ name: interpreter, arguments: { code: raw } }] };
}

export const llama3: OutputFamily = {
  name: "llama3",
  supportsTools: true,
  supportsThinking: false,
  toolEnvelope: LLAMA3_ENVELOPE,
  create({ tools }) {
    const toPython: Exit = { tag: PYTHON_TAG, to: "python" };
    const offered = tools.length > 0;
    const bare = (offered ? ["{", "["] : []).map((tag): Exit => ({ tag, to: "json", keep: true }));
    const afterText = (offered ? BARE_CALL_STARTS.flatMap((start) => [start, `[${start}`]) : []).map((tag): Exit => ({
      tag,
      to: "json",
      keep: true,
    }));
    const noise = PYTHON_NOISE.map((tag): Exit => ({ tag, to: "start" }));
    const regions: Record<string, Region> = {
      start: tagChoice([toPython, ...noise, ...bare], { to: "content", dropSpace: false }),
      content: { is: "stream", emits: "text", exits: [toPython, ...noise, ...afterText], trailing: "drop-before-tag" },
      json: { is: "scan", open: "", to: "after", scanner: jsonScanner, read: (raw) => readBare(raw, tools) },
      after: tagChoice([toPython, { tag: ";", to: "start" }, ...bare], { to: "content", dropSpace: false }),
      python: {
        is: "capture",
        open: PYTHON_TAG,
        exits: ["<|eom_id|>", "<|eot_id|>"].map((tag): Exit => ({ tag, to: "content" })),
        read: (raw) => readPythonTag(raw, tools),
      },
    };
    return new SegmentParser(regions, "start");
  },
};

function readNamed(raw: string, nameEnd: string): Captured {
  const at = raw.indexOf(nameEnd);
  const name = at === -1 ? "" : trim(raw.slice(0, at));
  const parsed = parseJson(trim(raw.slice(at + nameEnd.length)));
  const args = parsed === undefined ? undefined : argumentsObject(parsed);
  return name === "" || args === undefined ? undefined : { calls: [{ name, arguments: args }] };
}

export const functionary31 = tagFamily({
  name: "functionary-v3.1",
  tools: [{ open: "<function=", close: ["</function>"], read: (raw) => readNamed(raw, ">") }],
  trailing: "drop-before-tag",
  trimsAfterTool: false,
  toolEnvelope: {
    begin: "",
    beforeName: "<function=",
    name: "plain",
    afterName: ">",
    arguments: { as: "json" },
    afterArguments: "</function>",
    between: "",
    end: "",
  },
});

const ALL = "all\n";

/** The prompt ends with `>>>`; "all" is the recipient of plain text, and what names no offered tool is text too. */
function chooseRecipient(
  tools: readonly ToolDefinition[],
  ahead: string,
  final: boolean,
): { to: string; drop: number } | "wait" {
  if (ahead.startsWith(ALL)) return { to: "content", drop: ALL.length };
  const recipients = tools.map((tool) => `${tool.function.name}\n`);
  if (recipients.some((recipient) => ahead.startsWith(recipient))) return { to: "call", drop: 0 };
  const mayGrow = [ALL, ...recipients].some((recipient) => recipient.startsWith(ahead));
  return mayGrow && !final ? "wait" : { to: "content", drop: 0 };
}

export const functionary32: OutputFamily = {
  name: "functionary-v3.2",
  supportsTools: true,
  supportsThinking: false,
  toolEnvelope: {
    begin: "",
    beforeName: "",
    name: "plain",
    afterName: "\n",
    arguments: { as: "json" },
    afterArguments: "",
    between: ">>>",
    end: "",
  },
  create({ tools }) {
    const next: Exit = { tag: ">>>", to: "recipient" };
    const regions: Record<string, Region> = {
      recipient: { is: "choice", choose: (ahead, final) => chooseRecipient(tools, ahead, final) },
      content: { is: "stream", emits: "text", exits: [next], trailing: "drop-before-tag" },
      call: {
        is: "capture",
        open: "",
        exits: [next],
        read: (raw) => readNamed(raw, "\n"),
      },
    };
    return new SegmentParser(regions, "recipient");
  },
};
