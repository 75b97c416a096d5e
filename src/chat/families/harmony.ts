// gpt-oss: `<|start|>role<|channel|>name to=recipient<|message|>text<|end|>`; the prompt ends with <|start|>assistant, so an
// answer begins in a header (Ollama: harmony/harmonyparser.go). Ollama reads one call, at the end of the answer, and keeps text
// outside of messages to itself; here every message may be a call, and such text is given out.

import type { ChatMessage } from "../message.ts";
import type { OutputEvent, OutputFamily, OutputOptions, OutputParser, ToolEnvelope } from "../output-family.ts";
import { HarmonyNames } from "./harmony-names.ts";
import { argumentsObject, parseJson } from "./json-call.ts";
import { overlapLength, trimStart } from "./whitespace.ts";

const START = "<|start|>";
const MESSAGE = "<|message|>";
const ENDS = ["<|end|>", "<|call|>", "<|return|>", START] as const;
/** What is longer is no header: it is given out as text rather than waited on. */
const MAX_HEADER = 512;

type Body = { is: "text" } | { is: "thinking" } | { is: "tool"; name: string };
type State = { at: "between" } | { at: "header" } | { at: "body"; body: Body };

const ENVELOPE: ToolEnvelope = {
  begin: "<|channel|>commentary to=functions.",
  beforeName: "",
  name: "plain",
  afterName: " <|constrain|>json<|message|>",
  arguments: { as: "json" },
  afterArguments: "",
  between: "<|call|><|start|>assistant<|channel|>commentary to=functions.",
  end: "",
};

interface Header {
  channel: string;
  recipient: string;
}

/** `role<|channel|>name …`, the recipient before or after the channel. */
export function parseHarmonyHeader(raw: string): Header {
  let rest = raw.replace("<|constrain|>", " <|constrain|>");
  let channel = "";
  const marker = /<\|channel\|>(\S*)/.exec(rest);
  if (marker !== null) {
    channel = marker[1] ?? "";
    rest = `${rest.slice(0, marker.index)} ${rest.slice(marker.index + marker[0].length)}`;
  }
  const recipient = rest.split(/\s+/).find((word) => word.startsWith("to="));
  return { channel, recipient: recipient === undefined ? "" : recipient.slice("to=".length) };
}

/** Several words before the header's first marker are no role but something that the model said. */
function textBeforeHeader(raw: string): string {
  const text = raw.slice(0, /<\|channel\|>|<\|constrain\|>|(?:^|\s)to=/.exec(raw)?.index ?? raw.length);
  return /\S\s+\S|[^\w\s]/.test(text) ? text : "";
}

function bodyOf({ channel, recipient }: Header): Body {
  if (recipient !== "" && recipient !== "user" && channel !== "final") return { is: "tool", name: recipient };
  return channel === "analysis" ? { is: "thinking" } : { is: "text" };
}

class HarmonyParser implements OutputParser {
  #state: State;
  #ahead = "";
  #captured: string[] = [];
  #callIndex = 0;
  #events: OutputEvent[] = [];

  constructor(
    private readonly names: HarmonyNames,
    lastMessage: ChatMessage | undefined,
  ) {
    this.#state = startState(lastMessage);
  }

  feed(text: string): OutputEvent[] {
    this.#ahead += text;
    while (this.#step(false));
    return this.#drain();
  }

  finish(): OutputEvent[] {
    while (this.#step(true));
    return this.#drain();
  }

  #step(final: boolean): boolean {
    const state = this.#state;
    switch (state.at) {
      case "between":
        return this.#between(final);
      case "header":
        return this.#readHeader(final);
      case "body":
        return this.#readBody(state.body, final);
      default:
        return state satisfies never;
    }
  }

  /** Between messages only the next start tag belongs; what else comes there is text. */
  #between(final: boolean): boolean {
    this.#ahead = trimStart(this.#ahead);
    if (this.#ahead === "" || (!final && START.startsWith(this.#ahead) && this.#ahead !== START)) return false;
    if (this.#ahead.startsWith(START)) {
      this.#ahead = this.#ahead.slice(START.length);
      this.#state = { at: "header" };
    } else this.#state = { at: "body", body: { is: "text" } };
    return true;
  }

  #readHeader(final: boolean): boolean {
    const at = this.#ahead.indexOf(MESSAGE);
    const before = this.#ahead.slice(0, at === -1 ? this.#ahead.length - overlapLength(this.#ahead, MESSAGE) : at);
    const isHeader = before.length <= MAX_HEADER && !ENDS.some((tag) => before.includes(tag));
    if (at !== -1 && isHeader) {
      this.#emit("text", textBeforeHeader(before));
      this.#state = { at: "body", body: bodyOf(parseHarmonyHeader(before)) };
      this.#ahead = this.#ahead.slice(at + MESSAGE.length);
      return true;
    }
    if (!final && at === -1 && isHeader) return false;
    if (this.#ahead === "") return false;
    // No header after all: what was read as one is text.
    this.#state = { at: "body", body: { is: "text" } };
    return true;
  }

  #readBody(body: Body, final: boolean): boolean {
    let end: { at: number; tag: string } | undefined;
    let held = 0;
    for (const tag of ENDS) {
      const at = this.#ahead.indexOf(tag);
      if (at !== -1 && (end === undefined || at < end.at)) end = { at, tag };
      if (!final) held = Math.max(held, overlapLength(this.#ahead, tag));
    }
    const cut = end?.at ?? this.#ahead.length - held;
    const text = this.#ahead.slice(0, cut);
    if (body.is === "tool") this.#captured.push(text);
    else this.#emit(body.is, text);
    this.#ahead = this.#ahead.slice(end === undefined || end.tag === START ? cut : cut + end.tag.length);
    if (body.is === "tool" && (end !== undefined || final)) this.#call(body.name);
    if (end === undefined && !final) return false;
    this.#state = { at: "between" };
    return end !== undefined;
  }

  #call(recipient: string): void {
    const raw = this.#captured.join("");
    this.#captured = [];
    const parsed = parseJson(raw);
    const args = parsed === undefined ? undefined : argumentsObject(parsed);
    if (args === undefined) {
      this.#events.push({ kind: "malformed-tool-call", text: raw });
      return;
    }
    const name = this.names.original(recipient.replace(/^functions\./, ""));
    this.#events.push({ kind: "tool-call", call: { name, arguments: args, index: this.#callIndex++ } });
  }

  #emit(kind: "text" | "thinking", text: string): void {
    if (text === "") return;
    const last = this.#events.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.#events.push({ kind, text });
  }

  #drain(): OutputEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** A prefilled answer continues in the message whose header the prompt already wrote. */
function startState(lastMessage: ChatMessage | undefined): State {
  if (lastMessage?.role === "assistant") {
    if (lastMessage.content !== "") return { at: "body", body: { is: "text" } };
    if ((lastMessage.thinking ?? "") !== "") return { at: "body", body: { is: "thinking" } };
  }
  return { at: "header" };
}

export const harmony: OutputFamily = {
  name: "harmony",
  supportsTools: true,
  supportsThinking: true,
  toolEnvelope: ENVELOPE,
  create: (options: OutputOptions) => new HarmonyParser(new HarmonyNames(options.tools), options.lastMessage),
  renameTools: (tools) => new HarmonyNames(tools).renamedTools(),
};
