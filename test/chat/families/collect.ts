// Runs a parser over a text cut in some way and adds up what comes out.

import { expect } from "bun:test";
import type { OutputEvent, OutputParser, ToolCall } from "../../../src/chat/output-family.ts";

export interface Collected {
  text: string;
  thinking: string;
  calls: ToolCall[];
  malformed: string[];
}

export function collect(parser: OutputParser, chunks: Iterable<string>): Collected {
  const result: Collected = { text: "", thinking: "", calls: [], malformed: [] };
  const add = (events: OutputEvent[]): void => {
    for (const event of events) {
      if (event.kind === "tool-call") result.calls.push(event.call);
      else if (event.kind === "malformed-tool-call") result.malformed.push(event.text);
      else result[event.kind] += event.text;
    }
  };
  for (const chunk of chunks) add(parser.feed(chunk));
  add(parser.finish());
  return result;
}

/** The outcome for the whole text, after checking that every cut into two and single characters give the same. */
export function collectEveryWay(create: () => OutputParser, text: string): Collected {
  const whole = collect(create(), [text]);
  const wanted = JSON.stringify(whole);
  const differing: unknown[] = [];
  const check = (chunks: string[]): void => {
    const got = collect(create(), chunks);
    if (JSON.stringify(got) !== wanted) differing.push({ chunks, got });
  };
  check(text.split("").flatMap((unit) => [unit, ""]));
  for (let cut = 1; cut < text.length; cut++) check([text.slice(0, cut), text.slice(cut)]);
  if (differing.length > 0)
    expect({ chunks: [text], got: whole }).toEqual(differing[0] as { chunks: string[]; got: Collected });
  return whole;
}
