// What another Ollama streams → answer events, or the events of a runner for a prompt that was rendered here.

import { isRecord } from "../../api/responses.ts";
import type { RunnerEvent } from "../../runner/process.ts";
import type { AnswerEvent, TokenLogprob, Usage } from "../model.ts";
import { toolCallId } from "../read-answer.ts";
import type { Clock } from "./clock.ts";
import { type Place, unreadable } from "./failure.ts";
import { runnerDone } from "./openai-answer.ts";
import { lineValues } from "./read-json.ts";
import type { AnswerStream } from "./transport.ts";
import { countAt, listAt, textAt, wireLogprobs } from "./wire-values.ts";

type Line = Record<string, unknown>;

/** Both of chat, where the text is in a message, and of generate. */
export async function* readOllama(
  place: Place,
  stream: AnswerStream,
  clock: Clock,
): AsyncGenerator<AnswerEvent, void, undefined> {
  let calls = 0;
  for await (const line of lineValues(place, stream)) {
    const from = isRecord(line["message"]) ? line["message"] : line;
    for (const event of lineEvents(line, from, calls)) {
      if (event.type === "tool-call") calls++;
      clock.begun();
      stream.begun();
      yield event;
    }
    if (line["done"] !== true) continue;
    yield doneEvent(line, clock);
    return;
  }
  throw unreadable(place, "ended its answer in the middle");
}

function* lineEvents(line: Line, from: Line, calls: number): Generator<AnswerEvent> {
  let logprobs: TokenLogprob[] | undefined = wireLogprobs(listAt(line, "logprobs"));
  const extra = () => {
    const found = logprobs === undefined || logprobs.length === 0 ? {} : { logprobs };
    logprobs = undefined;
    return found;
  };
  const hasLogprobs = logprobs.length > 0;
  const thinking = textAt(from, "thinking");
  if (thinking !== "") yield { type: "thinking-delta", text: thinking, ...extra() };
  const text = textAt(from, "content") || textAt(from, "response");
  if (text !== "" || (thinking === "" && hasLogprobs)) yield { type: "text-delta", text, ...extra() };
  let index = calls;
  for (const call of listAt(from, "tool_calls")) {
    const called = isRecord(call) ? call["function"] : undefined;
    const args = isRecord(called) && isRecord(called["arguments"]) ? called["arguments"] : {};
    const id = textAt(call, "id") || toolCallId();
    yield { type: "tool-call", call: { id, index: index++, name: textAt(called, "name"), arguments: args } };
  }
}

function doneEvent(line: Line, clock: Clock): AnswerEvent {
  const context = listAt(line, "context").filter((token) => typeof token === "number");
  return {
    type: "done",
    reason: textAt(line, "done_reason") === "length" ? "length" : "stop",
    stopWord: undefined,
    usage: usageOf(line, clock),
    context: context.length === 0 ? undefined : context,
    malformedToolCall: false,
  };
}

/** The engine's own times where it has them; the total is what was waited here. */
function usageOf(line: Line, clock: Clock): Usage {
  const ms = (key: string) => countAt(line, key) / 1e6;
  const seen = clock.usage({
    promptTokens: countAt(line, "prompt_eval_count"),
    cachedTokens: countAt(line, "prompt_cached_count"),
    generatedTokens: countAt(line, "eval_count"),
  });
  return {
    ...seen,
    loadMs: ms("load_duration"),
    promptMs: ms("prompt_eval_duration") || seen.promptMs,
    generateMs: ms("eval_duration") || seen.generateMs,
    truncatedTokens: countAt(line, "truncated_count"),
    shiftedTokens: countAt(line, "shifted_count"),
  };
}

/** For a raw prompt: nothing is split off there, so all of it is text. */
export async function* readOllamaText(
  place: Place,
  stream: AnswerStream,
  clock: Clock,
): AsyncGenerator<RunnerEvent, void, undefined> {
  for await (const event of readOllama(place, stream, clock)) {
    if (event.type === "done") yield runnerDone(event.reason, event.stopWord, event.usage, clock);
    else if (event.type !== "tool-call") yield { type: "delta", delta: deltaOf(event.text, event.logprobs) };
  }
}

function deltaOf(text: string, logprobs: readonly TokenLogprob[] | undefined) {
  return { id: 0, text, ...(logprobs === undefined ? {} : { logprobs }) };
}
