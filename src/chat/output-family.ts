// The one interface behind every output format: text goes in as the model writes it, typed events come out. What a parser does
// with a text does not depend on how the text was cut into chunks, and no parser throws: a broken call comes back as text.

import type { ChatMessage, ToolDefinition } from "./message.ts";

export interface ToolCall {
  id?: string;
  name: string;
  arguments: Record<string, unknown>;
  /** Position among the calls of this answer, from 0. */
  index: number;
}

export type OutputEvent =
  | { kind: "text"; text: string }
  | { kind: "thinking"; text: string }
  | { kind: "tool-call"; call: ToolCall }
  /** What looked like a call and could not be read, tags included; clients get it as text. */
  | { kind: "malformed-tool-call"; text: string };

export interface OutputParser {
  feed(text: string): OutputEvent[];
  /** Called once, after the last `feed`. */
  finish(): OutputEvent[];
}

export interface OutputOptions {
  tools: readonly ToolDefinition[];
  /** Whether thinking was asked for (an unset request value already resolved to the model's default). */
  thinking: boolean;
  lastMessage?: ChatMessage;
  /** The rendered prompt; families read off a template's text look at its end to see whether thinking has already begun. */
  prompt?: string;
}

/**
 * How a family writes its calls, as data from which a grammar can be built:
 * `begin call (between call)* end`, `call` = beforeName NAME afterName [NAME nameAgain] ARGUMENTS afterArguments.
 */
export interface ToolEnvelope {
  begin: string;
  beforeName: string;
  /** "json": NAME stands inside a JSON string (the quotes belong to the surrounding texts), so it is escaped as one. */
  name: "plain" | "json";
  afterName: string;
  /** Where the name is written twice: `afterName NAME nameAgain` stands before the arguments. */
  nameAgain?: string;
  arguments: ArgumentsForm;
  afterArguments: string;
  /** Absent where an answer holds one call only. */
  between?: string;
  end: string;
}

export type ArgumentsForm =
  | { as: "json" }
  /** One element per argument: beforeName KEY afterName VALUE afterValue; strings stand raw, anything else as JSON. */
  | { as: "elements"; beforeName: string; afterName: string; afterValue: string }
  /** KEY assign VALUE, joined by `separator`; values are JSON, strings between the two quotes. */
  | { as: "keywords"; assign: string; separator: string; quotes: readonly [string, string] | "json" };

export interface OutputFamily {
  name: string;
  supportsTools: boolean;
  supportsThinking: boolean;
  /** Absent where no grammar can describe the calls. */
  toolEnvelope?: ToolEnvelope;
  create(options: OutputOptions): OutputParser;
  /** Tools as the prompt must name them, for families that rename functions; calls come back under the original names. */
  renameTools?(tools: readonly ToolDefinition[]): ToolDefinition[];
}
