// Thinking between tags, for models whose Go template names them (Ollama: thinking/parser.go): the block must come first, the
// whitespace right after either tag is dropped, everything else is kept.

import type { ChatMessage } from "./message.ts";
import type { OutputParser } from "./output-family.ts";
import { SegmentParser, tagChoice, type Region, type StreamRegion } from "./families/segments.ts";

export interface ThinkingSplit {
  open: string;
  close: string;
  /** The prompt has already written the opening tag. */
  startsInside: boolean;
}

export function createThinkingSplitter({ open, close, startsInside }: ThinkingSplit): OutputParser {
  const block: StreamRegion = {
    is: "stream",
    emits: "thinking",
    exits: [{ tag: close, to: "answer" }],
    trimStart: true,
    trailing: "keep",
  };
  const text: StreamRegion = { is: "stream", emits: "text", exits: [], trailing: "keep" };
  const regions: Record<string, Region> = {
    look: tagChoice([{ tag: open, to: "thinking" }], { to: "text", dropSpace: false }, { trailingSpace: true }),
    echo: tagChoice([{ tag: open, to: "thinking" }], { to: "thinking", dropSpace: true }),
    thinking: block,
    answer: { ...text, trimStart: true },
    text,
  };
  return new SegmentParser(regions, startsInside ? "echo" : "look");
}

/**
 * Messages without the thoughts that a client left in earlier answers' content. Ollama does this for the qwen3 family and for
 * models named deepseek-r1 only (server/routes.go, filterThinkTags); whether it applies is the caller's to know.
 */
export function withoutPastThinking(messages: readonly ChatMessage[]): ChatMessage[] {
  const lastUser = messages.findLastIndex((message) => message.role === "user");
  return messages.map((message, index) => {
    if (message.role !== "assistant" || index >= lastUser) return message;
    const splitter = createThinkingSplitter({ open: "<think>", close: "</think>", startsInside: false });
    const events = [...splitter.feed(message.content), ...splitter.finish()];
    const content = events.map((event) => (event.kind === "text" ? event.text : "")).join("");
    return { ...message, content };
  });
}
