// Answer events → chat completion chunks, or one whole completion (spec 3.09, 3.10). Pure but for the reading of the stream.

import type { AnswerToolCall, ChatCompletion, ChatCompletionChunk, FinishReason } from "../../../api/openai/chat.ts";
import { goJson } from "../../../base/go-encode.ts";
import { translate } from "../../../base/translated.ts";
import type { AnswerEvent, ToolCall, Usage } from "../../../inference/model.ts";
import type { IndexedEvent } from "../../answers.ts";
import type { CollectedAnswer } from "../../native-chunks.ts";
import { openAILogprobs } from "./sampling.ts";
import { openAIUsage } from "./usage.ts";

/** What every chunk of one stream says alike. */
export interface Frame {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

const FINGERPRINT = "fp_ollama";

export function openAIToolCall({ id, index, name, arguments: args }: ToolCall): AnswerToolCall {
  return { id, index, type: "function", function: { name, arguments: goJson(args) } };
}

type Choice = ChatCompletionChunk["choices"][number];
type Delta = Choice["delta"];

/** What one answer event adds to its choice; undefined for nothing to say. */
function deltaOf(event: Exclude<AnswerEvent, { type: "done" }>): Delta | undefined {
  switch (event.type) {
    case "text-delta":
      return event.text === "" && event.logprobs === undefined ? undefined : { content: event.text };
    case "thinking-delta":
      return event.text === "" && event.logprobs === undefined ? undefined : { content: "", reasoning: event.text };
    case "tool-call":
      return { content: "", tool_calls: [openAIToolCall(event.call)] };
    default:
      return event satisfies never;
  }
}

export function chatChunks(
  events: AsyncIterable<IndexedEvent>,
  frame: Frame,
  includeUsage: boolean,
): AsyncIterable<ChatCompletionChunk> {
  const begun = new Set<number>();
  const called = new Set<number>();
  const usages: Usage[] = [];
  const chunk = (choices: Choice[]): ChatCompletionChunk => ({
    id: frame.id,
    object: "chat.completion.chunk",
    created: frame.created,
    model: frame.model,
    system_fingerprint: FINGERPRINT,
    choices,
  });
  const speak = (index: number, delta: Delta, event?: AnswerEvent): ChatCompletionChunk => {
    const role = begun.has(index) ? {} : { role: "assistant" as const };
    begun.add(index);
    const logprobs = event !== undefined && "logprobs" in event ? event.logprobs : undefined;
    const extra = logprobs === undefined ? {} : { logprobs: openAILogprobs(logprobs) };
    return chunk([{ index, delta: { ...role, ...delta }, finish_reason: null, ...extra }]);
  };
  const read = ({ index, event }: IndexedEvent): ChatCompletionChunk[] => {
    if (event.type !== "done") {
      const delta = deltaOf(event);
      if (event.type === "tool-call") called.add(index);
      return delta === undefined ? [] : [speak(index, delta, event)];
    }
    usages.push(event.usage);
    const first = begun.has(index) ? [] : [speak(index, { content: "" })];
    return [...first, chunk([{ index, delta: {}, finish_reason: finishReason(event.reason, called.has(index)) }])];
  };
  return translate(events, read, () => (includeUsage ? [{ ...chunk([]), usage: openAIUsage(usages) }] : []));
}

function finishReason(reason: "stop" | "length", called: boolean): FinishReason {
  return reason === "stop" && called ? "tool_calls" : reason;
}

export function chatCompletion(answers: readonly CollectedAnswer[], frame: Frame): ChatCompletion {
  return {
    id: frame.id,
    object: "chat.completion",
    created: frame.created,
    model: frame.model,
    system_fingerprint: FINGERPRINT,
    choices: answers.map(({ text, thinking, toolCalls, logprobs, done }, index) => ({
      index,
      message: {
        role: "assistant",
        content: text,
        refusal: null,
        ...(thinking === "" ? {} : { reasoning: thinking }),
        ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(openAIToolCall) }),
      },
      finish_reason: done === undefined ? null : finishReason(done.reason, toolCalls.length > 0),
      logprobs: logprobs.length === 0 ? null : openAILogprobs(logprobs),
    })),
    usage: openAIUsage(answers.flatMap(({ done }) => (done === undefined ? [] : [done.usage]))),
  };
}
