// The runner's text becomes typed events: thinking is split off, tool calls are read, usage is summed up.

import type { OutputEvent, OutputParser } from "../chat/output-family.ts";
import type { RunnerEvent } from "../runner/process.ts";
import type { GenerateDone } from "../runner/protocol.ts";
import type { AnswerEvent, SpentTokens, TokenLogprob, Usage } from "./model.ts";

export interface AnswerFacts {
  readonly startedMs: number;
  readonly loadMs: number;
  /** Tokens of messages that were dropped before the prompt was sent. */
  readonly droppedTokens: number;
  /** Told how many tokens the prompt lost, before anything is said. */
  readonly shortened: (tokens: number) => void;
  /** Called once, at the end. */
  readonly used: (spent: Omit<SpentTokens, "model">) => void;
}

/** The runner tells exact counts at its end only; an answer that is broken off is paid for by its length. */
const CHARACTERS_PER_TOKEN = 4;

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** "call_" and 8 lower-case alphanumerics, as Ollama makes them. */
export function toolCallId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `call_${Array.from(bytes, (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join("")}`;
}

/**
 * Turns what a runner says into answer events, one call an event; without a parser the text passes as it is. Disposing of it
 * reports what the answer took.
 */
export class AnswerReader implements Disposable {
  #malformedToolCall = false;
  #promptTokens = 0;
  #characters = 0;
  #usage: Usage | undefined;

  constructor(
    private readonly parser: OutputParser | undefined,
    private readonly facts: AnswerFacts,
  ) {}

  read(event: RunnerEvent): readonly AnswerEvent[] {
    switch (event.type) {
      case "started":
        this.#promptTokens = event.promptTokens - event.cutTokens;
        if (event.cutTokens + this.facts.droppedTokens > 0)
          this.facts.shortened(event.cutTokens + this.facts.droppedTokens);
        return [];
      case "delta": {
        const { text, logprobs } = event.delta;
        this.#characters += text.length;
        if (this.parser === undefined) return [toAnswerEvent({ kind: "text", text }, logprobs)];
        return this.#translate(this.parser.feed(text), logprobs);
      }
      case "done":
        return [...this.#translate(this.parser?.finish() ?? [], undefined), this.#done(event)];
      default:
        return event satisfies never;
    }
  }

  #translate(parts: readonly OutputEvent[], logprobs: readonly TokenLogprob[] | undefined): AnswerEvent[] {
    let pending = logprobs;
    const events = parts.map((part) => {
      if (part.kind === "malformed-tool-call") this.#malformedToolCall = true;
      const event = toAnswerEvent(part, pending);
      if (event.type !== "tool-call") pending = undefined;
      return event;
    });
    if (pending !== undefined) events.push({ type: "text-delta", text: "", logprobs: pending });
    return events;
  }

  [Symbol.dispose](): void {
    if (this.#usage !== undefined) {
      const { promptTokens, cachedTokens, generatedTokens } = this.#usage;
      return this.facts.used({ promptTokens, cachedTokens, generatedTokens, complete: true });
    }
    const generatedTokens = Math.ceil(this.#characters / CHARACTERS_PER_TOKEN);
    this.facts.used({ promptTokens: this.#promptTokens, cachedTokens: 0, generatedTokens, complete: false });
  }

  #done(event: GenerateDone): AnswerEvent {
    this.#usage = usageOf(event, this.facts);
    return {
      type: "done",
      reason: event.reason,
      stopWord: event.stopWord,
      usage: this.#usage,
      context: event.tokens,
      malformedToolCall: this.#malformedToolCall,
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

function usageOf(done: GenerateDone, facts: AnswerFacts): Usage {
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
    draftedTokens: done.draftedTokens,
    acceptedTokens: done.acceptedTokens,
  };
}
