// Mistral's [TOOL_CALLS]: `name[ARGS]{json}` (Ollama: model/parsers/ministral.go), the same with a [CALL_ID], and the older
// array of JSON objects, which only templates ask for.

import { isPrefill, type ToolDefinition } from "../message.ts";
import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import { argumentsObject, jsonScanner, parseJson, readJsonCalls } from "./json-call.ts";
import { SegmentParser, tagChoice, type Captured, type Exit, type Region, type Scanner } from "./segments.ts";
import { findTool } from "./typed-value.ts";
import { trim } from "./whitespace.ts";

const CALLS = "[TOOL_CALLS]";
const ARGS = "[ARGS]";

const NAMED_ENVELOPE: ToolEnvelope = {
  begin: CALLS,
  beforeName: "",
  name: "plain",
  afterName: ARGS,
  arguments: { as: "json" },
  afterArguments: "",
  between: CALLS,
  end: "",
};

const ARRAY_ENVELOPE: ToolEnvelope = {
  begin: `${CALLS}[`,
  beforeName: '{"name": "',
  name: "json",
  afterName: '", "arguments": ',
  arguments: { as: "json" },
  afterArguments: "}",
  between: ", ",
  end: "]",
};

/** Everything up to [ARGS], then one JSON value. Also takes `name{json}`, as later templates write it. */
function namedCallScanner(): Scanner {
  const json = jsonScanner();
  let inJson = false;
  let tail = "";
  return (piece) => {
    if (inJson) return json(piece);
    const text = tail + piece;
    const marker = text.indexOf(ARGS);
    const brace = text.indexOf("{");
    const start = marker === -1 || (brace !== -1 && brace < marker) ? brace : marker + ARGS.length;
    if (start === -1) {
      tail = text.slice(1 - ARGS.length);
      return -1;
    }
    inJson = true;
    const offset = start - tail.length;
    const end = json(piece.slice(Math.max(offset, 0)));
    return end === -1 ? -1 : Math.max(offset, 0) + end;
  };
}

function readNamedCall(raw: string, tools: readonly ToolDefinition[], anyName: boolean): Captured {
  const match = /^(.*?)(?:\[CALL_ID\](.*?))?(?:\[ARGS\]|(?=\{))/s.exec(raw);
  if (match === null) return undefined;
  const name = trim(match[1] ?? "");
  const parsed = parseJson(raw.slice(match[0].length));
  const args = parsed === undefined ? undefined : argumentsObject(parsed);
  // Ollama refuses a tool that was not offered (ministral.go, toolByName).
  if (name === "" || args === undefined || (!anyName && findTool(tools, name) === undefined)) return undefined;
  const id = match[2] === undefined ? "" : trim(match[2]);
  return { calls: [id === "" ? { name, arguments: args } : { id, name, arguments: args }] };
}

function mistralFamily(spec: {
  name: string;
  arrays: boolean;
  begin(options: OutputOptions): string;
  toolEnvelope: ToolEnvelope;
  think: { open: string; close: string };
  supportsThinking: boolean;
}): OutputFamily {
  return {
    name: spec.name,
    supportsTools: true,
    supportsThinking: spec.supportsThinking,
    toolEnvelope: spec.toolEnvelope,
    create(options) {
      const exits: Exit[] = [
        { tag: CALLS, to: "calls" },
        { tag: spec.think.open, to: "thinking" },
      ];
      const regions: Record<string, Region> = {
        content: { is: "stream", emits: "text", exits, trailing: "drop" },
        answer: { is: "stream", emits: "text", exits, trailing: "drop", trimStart: true },
        thinking: {
          is: "stream",
          emits: "thinking",
          exits: [{ tag: spec.think.close, to: "answer" }],
          trailing: "keep",
        },
        calls: spec.arrays
          ? tagChoice([{ tag: "[", to: "array", keep: true }], { to: "named", dropSpace: false })
          : tagChoice([], { to: "named", dropSpace: false }),
        array: { is: "scan", open: CALLS, to: "content", scanner: jsonScanner, read: (raw) => readJsonCalls(raw) },
        named: {
          is: "scan",
          open: CALLS,
          to: "content",
          scanner: namedCallScanner,
          read: (raw) => readNamedCall(raw, options.tools, spec.arrays),
        },
      };
      return new SegmentParser(regions, spec.begin(options));
    },
  };
}

export const ministral = mistralFamily({
  name: "ministral",
  arrays: false,
  begin: () => "content",
  toolEnvelope: NAMED_ENVELOPE,
  think: { open: "[THINK]", close: "[/THINK]" },
  supportsThinking: false,
});

/** For Mistral models run through their Jinja template. */
export function mistralTemplateFamily(
  form: "named" | "array",
  think: { open: string; close: string } | undefined,
): OutputFamily {
  const tags = think ?? { open: "[THINK]", close: "[/THINK]" };
  return mistralFamily({
    name: `mistral-${form}`,
    arrays: true,
    begin: (options) =>
      think !== undefined && !isPrefill(options.lastMessage) && (options.prompt ?? "").trimEnd().endsWith(tags.open)
        ? "thinking"
        : "content",
    toolEnvelope: form === "named" ? NAMED_ENVELOPE : ARRAY_ENVELOPE,
    think: tags,
    supportsThinking: think !== undefined,
  });
}
