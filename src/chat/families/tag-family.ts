// Families whose answer is: perhaps a thinking block, then text with calls between tags. Most formats are this with other words.

import type { OutputFamily, OutputOptions, ToolEnvelope } from "../output-family.ts";
import {
  SegmentParser,
  tagChoice,
  type Captured,
  type Exit,
  type Region,
  type Scanner,
  type StreamRegion,
} from "./segments.ts";

/** Where an answer begins: in the block, there with the opening tag perhaps repeated, at a possible tag, or in the text. */
export type Beginning = "inside" | "inside-or-tag" | "tag-or-text" | "text";

export interface ThinkingTags {
  open: string;
  close: string;
  begin(options: OutputOptions): Beginning;
  /** A call may begin without the block having been closed. */
  endsAtTool: boolean;
  /** Whitespace before a direct answer is dropped. */
  trimsDirectAnswer?: boolean;
  /** Whitespace inside the block's end; dropped unless said otherwise. */
  trailing?: StreamRegion["trailing"];
  /** A closing tag without a block before a direct answer is dropped. */
  dropsStrayClose?: true;
}

export interface ToolTags {
  open: string;
  /** With a scanner, the scanner ends the call and these only follow it, or do not. */
  close: readonly string[];
  scanner?: () => Scanner;
  read(raw: string, closed: boolean, options: OutputOptions): Captured;
}

export interface TagFamilySpec {
  name: string;
  thinking?: ThinkingTags;
  /** Thinking is understood but not offered as a capability. */
  hidesThinking?: true;
  tools?: readonly ToolTags[];
  trailing: StreamRegion["trailing"];
  /** Whitespace after a call is dropped. */
  trimsAfterTool: boolean;
  /** Tags without meaning that are dropped wherever they stand in the text. */
  noise?: readonly string[];
  toolEnvelope?: ToolEnvelope;
}

export function tagFamily(spec: TagFamilySpec): OutputFamily {
  return {
    name: spec.name,
    supportsTools: spec.tools !== undefined,
    supportsThinking: spec.thinking !== undefined && spec.hidesThinking !== true,
    ...(spec.toolEnvelope === undefined ? {} : { toolEnvelope: spec.toolEnvelope }),
    create: (options) =>
      new SegmentParser(tagRegions(spec, options), startRegion(spec.thinking?.begin(options) ?? "text")),
  };
}

function startRegion(beginning: Beginning): string {
  switch (beginning) {
    case "inside":
      return "thinking";
    case "inside-or-tag":
      return "echo";
    case "tag-or-text":
      return "look";
    case "text":
      return "content";
    default:
      return beginning satisfies never;
  }
}

function tagRegions(spec: TagFamilySpec, options: OutputOptions): Record<string, Region> {
  const tools = spec.tools ?? [];
  const toTools = tools.map((tool, index): Exit => ({ tag: tool.open, to: `tool-${index}` }));
  const noise = (spec.noise ?? []).map((tag): Exit => ({ tag, to: "content" }));
  const content: StreamRegion = { is: "stream", emits: "text", exits: [...toTools, ...noise], trailing: spec.trailing };
  const regions: Record<string, Region> = {
    content,
    answer: { ...content, trimStart: true },
  };
  tools.forEach((tool, index) => {
    const after = spec.trimsAfterTool ? "answer" : "content";
    const read = (raw: string, closed: boolean): Captured => tool.read(raw, closed, options);
    const exits = tool.close.map((tag): Exit => ({ tag, to: tool.scanner === undefined ? after : `after-${index}` }));
    regions[`after-${index}`] = tagChoice(exits, { to: after, dropSpace: false });
    regions[`tool-${index}`] =
      tool.scanner === undefined
        ? { is: "capture", open: tool.open, exits, read }
        : { is: "scan", open: tool.open, to: `after-${index}`, scanner: tool.scanner, read };
  });
  const thinking = spec.thinking;
  if (thinking !== undefined) {
    const toThinking: Exit = { tag: thinking.open, to: "thinking-trimmed" };
    const block: StreamRegion = {
      is: "stream",
      emits: "thinking",
      exits: [{ tag: thinking.close, to: "answer" }, ...(thinking.endsAtTool ? toTools : [])],
      trailing: thinking.trailing ?? "drop",
    };
    regions["thinking"] = block;
    regions["thinking-trimmed"] = { ...block, trimStart: true };
    regions["echo"] = tagChoice([toThinking], { to: "thinking", dropSpace: false });
    const strayClose: Exit[] = thinking.dropsStrayClose ? [{ tag: thinking.close, to: "answer" }] : [];
    regions["look"] = tagChoice([toThinking, ...strayClose], {
      to: "content",
      dropSpace: thinking.trimsDirectAnswer === true,
    });
  }
  return regions;
}
