// Glimmer: messages `<|start|>assistant to=recipient<|message|>body<|eom|>`; "self" is thinking, a tool's name a call, anything
// else content. The prompt ends with <|start|>assistant, so an answer begins in a header (Ollama: model/parsers/glimmer.go).

import type { ToolDefinition } from "../message.ts";
import type { OutputEvent, OutputFamily, OutputParser, ToolEnvelope } from "../output-family.ts";
import { ATEM_CLOSE, ATEM_OPEN, readAtemCall, resolveGlimmerTool } from "./glimmer-call.ts";
import { overlapLength, trim, trimStart } from "./whitespace.ts";

const MESSAGE = "<|message|>";
const ENDS = ["<|eom|>", "<|eot|>"] as const;
const HEADER_START = "<|start|>assistant";
/** What is longer is no header: it is given out as text rather than waited on. */
const MAX_HEADER = 512;

const ENVELOPE: ToolEnvelope = {
  begin: " to=",
  beforeName: "",
  name: "plain",
  afterName: `${MESSAGE}${ATEM_OPEN}\n<atem:invoke name="`,
  nameAgain: '">\n',
  arguments: {
    as: "elements",
    beforeName: '<atem:parameter name="',
    afterName: '">',
    afterValue: "</atem:parameter>\n",
  },
  afterArguments: `</atem:invoke>\n${ATEM_CLOSE}`,
  between: "<|eom|><|start|>assistant to=",
  end: "",
};

type State = { at: "header" } | { at: "body"; is: "text" | "thinking" | "tool" | "undecided"; recipient: string };

class GlimmerParser implements OutputParser {
  #state: State = { at: "header" };
  #ahead = "";
  #captured: string[] = [];
  /** While a call is captured, end tags count only after its closing tag: values are raw text. */
  #callClosed = false;
  #callIndex = 0;
  #events: OutputEvent[] = [];

  constructor(
    private readonly tools: readonly ToolDefinition[],
    private readonly showsThinking: boolean,
  ) {}

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
    if (state.at === "header") return this.#readHeader(final);
    if (state.is === "undecided") return this.#decide(state.recipient, final);
    return state.is === "tool" ? this.#readTool(state.recipient, final) : this.#readText(state.is, final);
  }

  #readHeader(final: boolean): boolean {
    if (this.#ahead === "") return false;
    if (this.#ahead.startsWith(HEADER_START)) this.#ahead = this.#ahead.slice(HEADER_START.length);
    else if (!final && HEADER_START.startsWith(this.#ahead)) return false;
    const at = this.#ahead.indexOf(MESSAGE);
    const before = this.#ahead.slice(0, at === -1 ? this.#ahead.length - overlapLength(this.#ahead, MESSAGE) : at);
    const isHeader = before.length <= MAX_HEADER && ![HEADER_START, ...ENDS].some((tag) => before.includes(tag));
    if (at !== -1 && isHeader) {
      this.#ahead = this.#ahead.slice(at + MESSAGE.length);
      // What stands before the recipient is something that the model said.
      const recipient = /(?:^|\s)to=\S*\s*$/.exec(before);
      const said = recipient === null ? before : before.slice(0, recipient.index);
      if (trim(said) !== "") this.#emit("text", said);
      this.#enter(recipient === null ? "" : trim(recipient[0]).slice("to=".length));
      return true;
    }
    if (!final && at === -1 && isHeader) return false;
    // No header after all: what was read as one is text.
    this.#state = { at: "body", is: "text", recipient: "" };
    return this.#ahead !== "";
  }

  #enter(recipient: string): void {
    this.#callClosed = false;
    const isTool = resolveGlimmerTool(this.tools, recipient) !== undefined;
    const body = this.tools.length > 0 ? "undecided" : "text";
    this.#state = { at: "body", is: recipient === "self" ? "thinking" : isTool ? "tool" : body, recipient };
  }

  /** A call under a wrong recipient is still a call if the message opens like one (glimmer.go, contentToolCallFallback). */
  #decide(recipient: string, final: boolean): boolean {
    const text = trimStart(this.#ahead);
    const opens = text.startsWith(ATEM_OPEN);
    if (!opens && !final && ATEM_OPEN.startsWith(text)) return false;
    this.#state = { at: "body", is: opens ? "tool" : "text", recipient };
    return true;
  }

  #readText(kind: "text" | "thinking", final: boolean): boolean {
    const end = this.#findEnd(final);
    const cut = end?.at ?? this.#ahead.length - (final ? 0 : this.#heldLength());
    this.#emit(kind, this.#ahead.slice(0, cut));
    this.#ahead = this.#ahead.slice(end === undefined ? cut : cut + end.length);
    if (end !== undefined || final) this.#state = { at: "header" };
    return end !== undefined;
  }

  #readTool(recipient: string, final: boolean): boolean {
    if (!this.#callClosed) {
      const close = this.#ahead.indexOf(ATEM_CLOSE);
      const kept = final ? 0 : overlapLength(this.#ahead, ATEM_CLOSE);
      const cut = close === -1 ? this.#ahead.length - kept : close + ATEM_CLOSE.length;
      this.#captured.push(this.#ahead.slice(0, cut));
      this.#ahead = this.#ahead.slice(cut);
      this.#callClosed = close !== -1;
      if (close === -1 && !final) return false;
    }
    const end = this.#findEnd(final);
    if (end === undefined && !final) return false;
    this.#captured.push(this.#ahead.slice(0, end?.at));
    this.#ahead = end === undefined ? "" : this.#ahead.slice(end.at + end.length);
    this.#call(recipient);
    this.#state = { at: "header" };
    return end !== undefined;
  }

  #call(recipient: string): void {
    const raw = this.#captured.join("");
    this.#captured = [];
    const call = readAtemCall(raw, this.tools);
    const addressed = resolveGlimmerTool(this.tools, recipient);
    if (call !== undefined && (addressed === undefined || addressed.function.name === call.name)) {
      this.#events.push({ kind: "tool-call", call: { ...call, index: this.#callIndex++ } });
    } else if (raw !== "") {
      this.#events.push({ kind: "malformed-tool-call", text: raw });
    }
  }

  /** The first end tag, or a header that begins although no end tag came. */
  #findEnd(final: boolean): { at: number; length: number } | undefined {
    let end: { at: number; length: number } | undefined;
    for (const tag of ENDS) {
      const at = this.#ahead.indexOf(tag);
      if (at !== -1 && (end === undefined || at < end.at)) end = { at, length: tag.length };
    }
    for (let at = this.#ahead.indexOf(HEADER_START); at !== -1; at = this.#ahead.indexOf(HEADER_START, at + 1)) {
      if (end !== undefined && at > end.at) break;
      const status = this.#headerStatus(this.#ahead.slice(at, at + MAX_HEADER), final);
      if (status === "valid") return { at, length: 0 };
      if (status === "maybe") return undefined;
    }
    return end;
  }

  #headerStatus(text: string, final: boolean): "valid" | "maybe" | "no" {
    const rest = text.slice(HEADER_START.length);
    const match = /^(?: to=([^\s<]+))?<\|message\|>/.exec(rest);
    if (match !== null) {
      const recipient = match[1];
      const valid = recipient === undefined || recipient === "self" || recipient === "user";
      return valid || this.tools.some((tool) => tool.function.name === recipient) ? "valid" : "no";
    }
    if (final || text.length >= MAX_HEADER) return "no";
    if (MESSAGE.startsWith(rest) || " to=".startsWith(rest)) return "maybe";
    const partial = /^ to=[^\s<]*(<[^>]*)?$/.exec(rest);
    return partial !== null && (partial[1] === undefined || MESSAGE.startsWith(partial[1])) ? "maybe" : "no";
  }

  #heldLength(): number {
    let held = overlapLength(this.#ahead, HEADER_START);
    for (const tag of ENDS) held = Math.max(held, overlapLength(this.#ahead, tag));
    const header = this.#ahead.lastIndexOf(HEADER_START);
    const pending = header !== -1 && this.#headerStatus(this.#ahead.slice(header), false) === "maybe";
    return pending ? Math.max(held, this.#ahead.length - header) : held;
  }

  #emit(kind: "text" | "thinking", text: string): void {
    if (text === "" || (kind === "thinking" && !this.showsThinking)) return;
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

export const glimmer: OutputFamily = {
  name: "glimmer",
  supportsTools: true,
  supportsThinking: true,
  toolEnvelope: ENVELOPE,
  create: ({ tools, thinking }) => new GlimmerParser(tools, thinking),
};
