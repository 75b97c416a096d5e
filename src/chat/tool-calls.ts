// Calls in the output of models whose Go template says how they begin (Ollama: tools/tools.go): after the tag, the name of an
// offered tool and the next JSON object are a call. With `{` or `[` as the tag, only an answer that begins with it is one.

import type { ToolDefinition } from "./message.ts";
import type { OutputEvent, OutputParser } from "./output-family.ts";
import { isJsonObject, jsonScanner, parseJson } from "./families/json-call.ts";
import { overlapLength, trim } from "./families/whitespace.ts";

const MAX_SEARCH_DEPTH = 32;

export function createToolCallSplitter(tag: string, tools: readonly ToolDefinition[]): OutputParser {
  return new ToolCallSplitter(
    tag,
    tools.map((tool) => tool.function.name).filter((name) => name !== ""),
  );
}

class ToolCallSplitter implements OutputParser {
  #state: "looking" | "calling" | "done" = "looking";
  #buffer = "";
  #callIndex = 0;

  constructor(
    private readonly tag: string,
    private readonly names: readonly string[],
  ) {}

  feed(text: string): OutputEvent[] {
    if (this.#state === "done") return textEvents(text);
    this.#buffer += text;
    const events: OutputEvent[] = [];
    const found = this.#state === "looking" && this.#findTag(events);
    // A call ends with a bracket: without a new one there is nothing to look for.
    if (this.#state === "calling" && (found || /[}\]]/.test(text))) this.#readCalls(events, false);
    return events;
  }

  finish(): OutputEvent[] {
    const events: OutputEvent[] = [];
    if (this.#state === "calling") this.#readCalls(events, true);
    const rest = this.#buffer;
    this.#buffer = "";
    if (this.#state !== "calling") return [...events, ...textEvents(rest)];
    if (this.#callIndex > 0) return [...events, ...textEvents(withoutClosers(rest))];
    const looksLikeText = this.#bare && !rest.includes('"name"');
    if (rest !== "") events.push({ kind: looksLikeText ? "text" : "malformed-tool-call", text: rest });
    return events;
  }

  get #bare(): boolean {
    return this.tag === "{" || this.tag === "[";
  }

  /** Gives out what stands before the tag; false while there is no tag. */
  #findTag(events: OutputEvent[]): boolean {
    const at = this.#buffer.indexOf(this.tag);
    const end = at === -1 ? this.#buffer.length - overlapLength(this.#buffer, this.tag) : at;
    const before = this.#buffer.slice(0, end);
    if (this.#bare && trim(before) !== "") {
      this.#state = "done";
      events.push(...textEvents(this.#buffer));
      this.#buffer = "";
      return false;
    }
    events.push(...textEvents(before));
    this.#buffer = this.#buffer.slice(end);
    if (at !== -1) this.#state = "calling";
    return at !== -1;
  }

  #readCalls(events: OutputEvent[], final: boolean): void {
    while (this.#readCall(events, final));
    if (this.#bare && this.#callIndex > 0 && isBalanced(this.#buffer, this.tag)) {
      this.#state = "done";
      events.push(...textEvents(withoutClosers(this.#buffer)));
      this.#buffer = "";
    }
  }

  #readCall(events: OutputEvent[], final: boolean): boolean {
    const tool = findName(this.names, this.#buffer, final);
    if (tool === undefined) return false;
    const found = findArguments(tool.name, this.#buffer);
    if (found === undefined) return false;
    events.push({ kind: "tool-call", call: { name: tool.name, arguments: found.arguments, index: this.#callIndex++ } });
    this.#buffer = this.#buffer.slice(Math.max(tool.end, found.end));
    return true;
  }
}

function textEvents(text: string): OutputEvent[] {
  return text === "" ? [] : [{ kind: "text", text }];
}

/** What is left after the last call, without the brackets and the closing tag that belong to it. */
function withoutClosers(rest: string): string {
  const text = rest.replace(/^[\s}\],;]+/, "").replace(/^(?:<\/?[^<>\s]*>|\[\/[^[\]]*\])/, "");
  return trim(text) === "" ? "" : text;
}

/** No bracket of the tag's kind is still open, so that no further call can belong to it. */
function isBalanced(buffer: string, tag: string): boolean {
  const close = tag === "{" ? "}" : "]";
  let depth = 0;
  for (const char of buffer) {
    if (char === tag) depth++;
    else if (char === close) depth--;
  }
  return buffer.includes(close) && depth <= 0;
}

/** The first tool name in the text, the longest where several begin there. A name that may still grow is waited for. */
function findName(names: readonly string[], buffer: string, final: boolean): { name: string; end: number } | undefined {
  if (!final && names.some((name) => overlapLength(buffer, name) % name.length > 0)) return undefined;
  let found: { name: string; at: number } | undefined;
  for (const name of names) {
    const at = buffer.indexOf(name);
    if (at === -1) continue;
    if (found === undefined || at < found.at || (at === found.at && name.length > found.name.length))
      found = { name, at };
  }
  return found === undefined ? undefined : { name: found.name, end: found.at + found.name.length };
}

function findArguments(name: string, buffer: string): { arguments: Record<string, unknown>; end: number } | undefined {
  let at = 0;
  while (at < buffer.length) {
    const start = buffer.indexOf("{", at);
    if (start === -1) return undefined;
    const length = jsonScanner()(buffer.slice(start));
    if (length === -1) return undefined;
    const parsed = parseJson(buffer.slice(start, start + length));
    if (isJsonObject(parsed)) return { arguments: searchArguments(parsed, name, 0) ?? parsed, end: start + length };
    at = start + length;
  }
  return undefined;
}

/** Arguments inside a call object, wherever it is nested; an object that is no call is itself the arguments. */
function searchArguments(
  object: Record<string, unknown>,
  name: string,
  depth: number,
): Record<string, unknown> | undefined {
  if (Object.hasOwn(object, "name")) return asObject(object["arguments"]) ?? asObject(object["parameters"]) ?? {};
  const byName = Object.hasOwn(object, name) ? asObject(object[name]) : undefined;
  if (byName !== undefined || depth >= MAX_SEARCH_DEPTH) return byName;
  for (const value of Object.values(object)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      const found = isJsonObject(child) ? searchArguments(child, name, depth + 1) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** An object, or one encoded in a string. */
function asObject(value: unknown): Record<string, unknown> | undefined {
  const object = typeof value === "string" ? parseJson(value) : value;
  return isJsonObject(object) ? object : undefined;
}
