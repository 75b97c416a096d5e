// DeepSeek 3 and Cogito: full-width tags around calls, thinking closed by </think> and begun by the prompt
// (Ollama: model/parsers/deepseek3.go, cogito.go). The R1 templates write Cogito's form of a call.

import { isPrefill } from "../message.ts";
import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import { argumentsObject, parseJson } from "./json-call.ts";
import { SegmentParser, tagChoice, type Captured, type Exit, type Region, type StreamRegion } from "./segments.ts";
import { trim } from "./whitespace.ts";

const CALLS_BEGIN = "<｜tool▁calls▁begin｜>";
const CALLS_END = "<｜tool▁calls▁end｜>";
const CALL_BEGIN = "<｜tool▁call▁begin｜>";
const CALL_END = "<｜tool▁call▁end｜>";
const SEPARATOR = "<｜tool▁sep｜>";
const OUTPUT_BEGIN = "<｜tool▁output▁begin｜>";
const OUTPUT_END = "<｜tool▁output▁end｜>";
const OUTPUTS_BEGIN = "<｜tool▁outputs▁begin｜>";
const OUTPUTS_END = "<｜tool▁outputs▁end｜>";

/** `name SEP {json}`, or `function SEP name` and a fenced json block. */
function readCall(raw: string): Captured {
  const at = raw.indexOf(SEPARATOR);
  if (at === -1) return undefined;
  const second = raw.slice(at + SEPARATOR.length);
  const fenced = /^([^\n]*)\n```(?:json)?\n(.*?)\n?```\s*$/s.exec(second);
  const name = trim(fenced === null ? raw.slice(0, at) : (fenced[1] ?? ""));
  const parsed = parseJson(trim(fenced === null ? second : (fenced[2] ?? "")));
  const args = parsed === undefined ? undefined : argumentsObject(parsed);
  return name === "" || args === undefined ? undefined : { calls: [{ name, arguments: args }] };
}

const PLAIN_ENVELOPE: ToolEnvelope = {
  begin: CALLS_BEGIN + CALL_BEGIN,
  beforeName: "",
  name: "plain",
  afterName: SEPARATOR,
  arguments: { as: "json" },
  afterArguments: CALL_END,
  between: CALL_BEGIN,
  end: CALLS_END,
};

const FENCED_ENVELOPE: ToolEnvelope = {
  ...PLAIN_ENVELOPE,
  beforeName: `function${SEPARATOR}`,
  afterName: "\n```json\n",
  afterArguments: `\n\`\`\`${CALL_END}`,
  between: `\n${CALL_BEGIN}`,
};

interface DeepseekSpec {
  name: string;
  toolEnvelope: ToolEnvelope;
  /** The output of tools, should the model invent it: shown as text, or swallowed as Ollama's Cogito parser does. */
  outputs: "text" | "nothing";
  begin(options: OutputOptions): "thinking" | "look" | "content";
}

function deepseekFamily(spec: DeepseekSpec): OutputFamily {
  const swallows = spec.outputs === "nothing";
  const exits: Exit[] = [
    { tag: CALLS_BEGIN, to: "calls" },
    { tag: CALL_BEGIN, to: "call" }, // the outer tag may be missing
    swallows ? { tag: OUTPUTS_BEGIN, to: "output" } : { tag: OUTPUT_BEGIN, to: "output", keepsSpace: true },
  ];
  const content: StreamRegion = { is: "stream", emits: "text", exits, trailing: "drop-before-tag" };
  const thinking: StreamRegion = {
    is: "stream",
    emits: "thinking",
    exits: [{ tag: "</think>", to: "answer" }],
    trailing: "drop",
  };
  const regions: Record<string, Region> = {
    content,
    answer: { ...content, trimStart: true },
    thinking,
    "thinking-trimmed": { ...thinking, trimStart: true },
    look: tagChoice(
      [
        { tag: "<think>", to: "thinking-trimmed" },
        { tag: "</think>", to: "answer" },
      ],
      { to: "content", dropSpace: false },
    ),
    calls: {
      is: "stream",
      emits: "text",
      exits: [
        { tag: CALL_BEGIN, to: "call" },
        { tag: CALLS_END, to: "answer" },
      ],
      trimStart: true,
      trailing: "drop",
    },
    call: { is: "capture", open: CALL_BEGIN, exits: [{ tag: CALL_END, to: "calls" }], read: readCall },
    output: {
      is: "stream",
      emits: spec.outputs,
      exits: [{ tag: swallows ? OUTPUTS_END : OUTPUT_END, to: swallows ? "answer" : "content" }],
      trailing: "keep",
    },
  };
  return {
    name: spec.name,
    supportsTools: true,
    supportsThinking: true,
    toolEnvelope: spec.toolEnvelope,
    create: (options) => new SegmentParser(regions, spec.begin(options)),
  };
}

export const deepseek3 = deepseekFamily({
  name: "deepseek3",
  toolEnvelope: PLAIN_ENVELOPE,
  outputs: "text",
  begin: ({ thinking, lastMessage }) => (thinking && !isPrefill(lastMessage) ? "thinking" : "content"),
});

// Cogito does not think while it has tools.
export const cogito = deepseekFamily({
  name: "cogito",
  toolEnvelope: FENCED_ENVELOPE,
  outputs: "nothing",
  begin: ({ thinking, lastMessage, tools }) =>
    thinking && !isPrefill(lastMessage) && tools.length === 0 ? "thinking" : "content",
});

/** For DeepSeek models run through their Jinja template; R1 templates fence the arguments. */
export function deepseekTemplateFamily(fenced: boolean): OutputFamily {
  return deepseekFamily({
    name: fenced ? "deepseek-r1" : "deepseek-v3",
    toolEnvelope: fenced ? FENCED_ENVELOPE : PLAIN_ENVELOPE,
    outputs: "text",
    begin: ({ prompt }) => ((prompt ?? "").trimEnd().endsWith("<think>") ? "thinking" : "look"),
  });
}
