// The runner's text becomes typed events: thinking is split off, tool calls are read, usage is summed up.

import type { OutputEvent, OutputParser } from "../chat/output-family.ts";
import type { RunnerEvent } from "../runner/process.ts";
import type { AnswerEvent, TokenLogprob, Usage } from "./model.ts";

export interface AnswerFacts {
  readonly startedMs: number;
  readonly loadMs: number;
  /** Tokens of messages that were dropped before the prompt was sent. */
  readonly droppedTokens: number;
}

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** "call_" and 8 lower-case alphanumerics, as Ollama makes them. */
export function toolCallId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `call_${Array.from(bytes, (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join("")}`;
}

/** Without a parser the text passes as it is. */
export async function* readAnswer(
  events: AsyncIterable<RunnerEvent>,
  parser: OutputParser | undefined,
  facts: AnswerFacts,
): AsyncGenerator<AnswerEvent, void, undefined> {
  let malformedToolCall = false;
  const translate = function* (
    parts: readonly OutputEvent[],
    logprobs: readonly TokenLogprob[] | undefined,
  ): Generator<AnswerEvent> {
    let pending = logprobs;
    for (const part of parts) {
      if (part.kind === "malformed-tool-call") malformedToolCall = true;
      const event = toAnswerEvent(part, pending);
      if (event.type !== "tool-call") pending = undefined;
      yield event;
    }
    if (pending !== undefined) yield { type: "text-delta", text: "", logprobs: pending };
  };
  for await (const event of events) {
    if (event.type === "started") continue;
    if (event.type === "delta") {
      const { text, logprobs } = event.delta;
      yield* translate(parser === undefined ? [{ kind: "text", text }] : parser.feed(text), logprobs);
      continue;
    }
    if (parser !== undefined) yield* translate(parser.finish(), undefined);
    const usage = usageOf(event, facts);
    yield {
      type: "done",
      reason: event.reason,
      stopWord: event.stopWord,
      usage,
      context: event.tokens,
      malformedToolCall,
    };
  }
}

function toAnswerEvent(part: OutputEvent, logprobs: readonly TokenLogprob[] | undefined): AnswerEvent {
  const extra = logprobs === undefined ? {} : { logprobs };
  switch (part.kind) {
    case "text":
    case "malformed-tool-call":
      return { type: "text-delta", text: part.text, ...extra };
    case "thinking":
      return { type: "thinking-delta", text: part.text, ...extra };
    case "tool-call": {
      const { id, index, name, arguments: args } = part.call;
      return { type: "tool-call", call: { id: id ?? toolCallId(), index, name, arguments: args } };
    }
    default:
      return part satisfies never;
  }
}

function usageOf(done: Extract<RunnerEvent, { type: "done" }>, facts: AnswerFacts): Usage {
  return {
    promptTokens: done.promptTokens - done.cutTokens,
    cachedTokens: done.promptTokens - done.cutTokens - done.evaluatedTokens,
    generatedTokens: done.generatedTokens,
    promptMs: done.promptMs,
    generateMs: done.generateMs,
    loadMs: facts.loadMs,
    totalMs: performance.now() - facts.startedMs,
    truncatedTokens: done.cutTokens + facts.droppedTokens,
    shiftedTokens: done.shiftedTokens,
  };
}
