// Answer events → the chunks of Ollama's own dialect (spec 2.18, 2.27): pure maps.

import type { ChatResponse, GenerateResponse } from "../api/schema/generate.ts";
import type { Logprob, ToolCall as WireToolCall } from "../api/schema/message.ts";
import { formatNow } from "../base/rfc3339.ts";
import type { AnswerEvent, TokenLogprob, ToolCall, Usage } from "../inference/model.ts";

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** Left out when 0, as Go's omitempty does. */
export function present<T extends Record<string, number>>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0)) as Partial<T>;
}

export function metricsOf(usage: Usage) {
  return present({
    total_duration: nanoseconds(usage.totalMs),
    load_duration: nanoseconds(usage.loadMs),
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: nanoseconds(usage.promptMs),
    eval_count: usage.generatedTokens,
    eval_duration: nanoseconds(usage.generateMs),
    prompt_cached_count: usage.cachedTokens,
    truncated_count: usage.truncatedTokens,
    shifted_count: usage.shiftedTokens,
    draft_count: usage.draftedTokens ?? 0,
    draft_accepted_count: usage.acceptedTokens ?? 0,
  });
}

export function wireLogprobs(logprobs: readonly TokenLogprob[]): Logprob[] {
  // A control token has no text, and then no bytes either.
  const wire = ({ token, logprob, bytes }: Omit<TokenLogprob, "top">) => ({
    token,
    logprob,
    ...(bytes.length > 0 ? { bytes: [...bytes] } : {}),
  });
  return logprobs.map((step) => ({
    ...wire(step),
    ...(step.top === undefined ? {} : { top_logprobs: step.top.map(wire) }),
  }));
}

export function wireToolCall(call: ToolCall): WireToolCall {
  return { id: call.id, function: { index: call.index, name: call.name, arguments: { ...call.arguments } } };
}

export function generateChunk(model: string, event: AnswerEvent): GenerateResponse {
  const base = { model, created_at: formatNow() };
  switch (event.type) {
    case "text-delta":
      return { ...base, response: event.text, done: false, ...logprobField(event) };
    case "thinking-delta":
      return { ...base, response: "", thinking: event.text, done: false, ...logprobField(event) };
    case "tool-call":
      return { ...base, response: "", done: false, tool_calls: [wireToolCall(event.call)] };
    case "done":
      return {
        ...base,
        response: "",
        done: true,
        done_reason: event.reason,
        ...(event.context === undefined ? {} : { context: [...event.context] }),
        ...metricsOf(event.usage),
      };
    default:
      return event satisfies never;
  }
}

export function chatChunk(model: string, event: AnswerEvent): ChatResponse {
  const base = { model, created_at: formatNow() };
  const message = (content: string, more: Partial<ChatResponse["message"]> = {}) => ({
    role: "assistant",
    content,
    ...more,
  });
  switch (event.type) {
    case "text-delta":
      return { ...base, message: message(event.text), done: false, ...logprobField(event) };
    case "thinking-delta":
      return { ...base, message: message("", { thinking: event.text }), done: false, ...logprobField(event) };
    case "tool-call":
      return { ...base, message: message("", { tool_calls: [wireToolCall(event.call)] }), done: false };
    case "done":
      return { ...base, message: message(""), done: true, done_reason: event.reason, ...metricsOf(event.usage) };
    default:
      return event satisfies never;
  }
}

function logprobField(event: { readonly logprobs?: readonly TokenLogprob[] }): { logprobs?: Logprob[] } {
  return event.logprobs === undefined ? {} : { logprobs: wireLogprobs(event.logprobs) };
}

/** What a whole answer adds up to, for replies that are not streamed. */
export interface CollectedAnswer {
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly ToolCall[];
  readonly logprobs: readonly TokenLogprob[];
  readonly done: Extract<AnswerEvent, { type: "done" }> | undefined;
}

export async function collectAnswer(events: AsyncIterable<AnswerEvent>): Promise<CollectedAnswer> {
  let text = "";
  let thinking = "";
  const toolCalls: ToolCall[] = [];
  const logprobs: TokenLogprob[] = [];
  let done: CollectedAnswer["done"];
  for await (const event of events) {
    if (event.type === "text-delta") text += event.text;
    else if (event.type === "thinking-delta") thinking += event.text;
    else if (event.type === "tool-call") toolCalls.push(event.call);
    else done = event;
    if ("logprobs" in event && event.logprobs !== undefined) logprobs.push(...event.logprobs);
  }
  return { text, thinking, toolCalls, logprobs, done };
}
