// Cohere's blocks: thinking, text or an array of actions, each between its own tags (Ollama: model/parsers/cohere.go).

import { isPrefill } from "../message.ts";
import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import { callFromObject, parseJson, readJsonCalls, splitJsonObjects, type CallKeys } from "./json-call.ts";
import { SegmentParser, tagChoice, type Captured, type Exit, type ParsedCall, type Region } from "./segments.ts";

const KEYS: CallKeys = { name: "tool_name", arguments: ["parameters"], id: "tool_call_id" };
const THINK_OPEN = "<|START_THINKING|>";
const THINK_CLOSE = "<|END_THINKING|>";
const ACTION_OPEN = "<|START_ACTION|>";
const ACTION_CLOSE = "<|END_ACTION|>";
const END_OF_TURN = "<|END_OF_TURN_TOKEN|>";

const ENVELOPE: ToolEnvelope = {
  begin: `${ACTION_OPEN}[`,
  beforeName: '{"tool_call_id": "0", "tool_name": "',
  name: "json",
  afterName: '", "parameters": ',
  arguments: { as: "json" },
  afterArguments: "}",
  between: ", ",
  end: `]${ACTION_CLOSE}`,
};

/** The whole array, or whichever of its objects can be read, so that one broken call does not take its siblings along. */
function readActions(raw: string): Captured {
  if (raw.trim() === "") return { calls: [] };
  const whole = readJsonCalls(raw, KEYS);
  if (whole !== undefined) return whole;
  const { objects, rest } = splitJsonObjects(raw);
  const calls: ParsedCall[] = [];
  let broken = "";
  for (const object of objects) {
    const call = callFromObject(parseJson(object), KEYS);
    if (call === undefined) broken += object;
    else calls.push(call);
  }
  if (calls.length === 0) return undefined;
  broken += rest.replace(/[\s,[\]]/g, "") === "" ? "" : rest;
  return broken === "" ? { calls } : { calls, malformed: broken };
}

const regions: Record<string, Region> = {
  thinking: { is: "stream", emits: "thinking", exits: [{ tag: THINK_CLOSE, to: "between" }], trailing: "drop" },
  look: tagChoice([{ tag: THINK_OPEN, to: "thinking" }], { to: "between", dropSpace: false }),
  between: tagChoice(
    [
      { tag: "<|START_TEXT|>", to: "content" },
      { tag: "<|START_RESPONSE|>", to: "content" },
      { tag: ACTION_OPEN, to: "action" },
      { tag: END_OF_TURN, to: "between" },
    ],
    { to: "content", dropSpace: true },
  ),
  content: {
    is: "stream",
    emits: "text",
    exits: ["<|END_TEXT|>", "<|END_RESPONSE|>", END_OF_TURN].map((tag): Exit => ({ tag, to: "between" })),
    trailing: "keep",
  },
  action: { is: "capture", open: ACTION_OPEN, exits: [{ tag: ACTION_CLOSE, to: "between" }], read: readActions },
};

function cohereFamily(name: string, begin: (options: OutputOptions) => string): OutputFamily {
  return {
    name,
    supportsTools: true,
    supportsThinking: true,
    toolEnvelope: ENVELOPE,
    create: (options) => new SegmentParser(regions, begin(options)),
  };
}

export const cohere = cohereFamily("cohere", ({ thinking, lastMessage }) => {
  if (isPrefill(lastMessage)) return "content";
  return thinking ? "thinking" : "between";
});

/** For Command models run through their Jinja template: the prompt's end says whether thinking has begun. */
export const cohereTemplate = cohereFamily("command-r7b", ({ prompt }) => {
  const end = (prompt ?? "").trimEnd();
  if (end.endsWith("<|START_RESPONSE|>") || end.endsWith("<|START_TEXT|>")) return "content";
  return end.endsWith(THINK_OPEN) ? "thinking" : "look";
});
