// What an OpenAI-compatible engine streams → answer events (chat), or the events of a runner (plain completions), so that a
// text rendered here is read by the same parsers as one of this machine.

import { isRecord } from "../../api/responses.ts";
import type { RunnerEvent } from "../../runner/process.ts";
import type { AnswerEvent } from "../model.ts";
import { CallParts } from "./call-parts.ts";
import type { Clock, TokenCounts } from "./clock.ts";
import { type Place, unreadable } from "./failure.ts";
import { eventValues } from "./read-json.ts";
import type { AnswerStream } from "./transport.ts";
import { listAt, openAICounts, textAt, textLogprobs, wireLogprobs } from "./wire-values.ts";

const NOTHING: TokenCounts = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 };

interface Ending {
  reason: "stop" | "length" | undefined;
  stopWord: string | undefined;
  counts: TokenCounts;
}

/** Notes why and with what counts the answer ends; the choice that speaks, if one does. */
function noteEnding(value: Record<string, unknown>, ending: Ending): Record<string, unknown> | undefined {
  ending.counts = openAICounts(value["usage"]) ?? ending.counts;
  const choice = listAt(value, "choices")[0];
  if (!isRecord(choice)) return undefined;
  const reason = textAt(choice, "finish_reason");
  if (reason !== "") ending.reason = reason === "length" ? "length" : "stop";
  // vLLM says which stop word it was.
  ending.stopWord = textAt(choice, "stop_reason") || ending.stopWord;
  return choice;
}

function cutOff(place: Place): Error {
  return unreadable(place, "ended its answer in the middle");
}

export async function* readChat(
  place: Place,
  stream: AnswerStream,
  clock: Clock,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const calls = new CallParts();
  const ending: Ending = { reason: undefined, stopWord: undefined, counts: NOTHING };
  for await (const value of eventValues(place, stream)) {
    const choice = noteEnding(value, ending);
    if (choice === undefined) continue;
    for (const event of deltaEvents(place, choice, calls)) {
      clock.begun();
      stream.begun();
      yield event;
    }
  }
  if (ending.reason === undefined) throw cutOff(place);
  yield* calls.finish();
  yield {
    type: "done",
    reason: ending.reason,
    stopWord: ending.stopWord,
    usage: clock.usage(ending.counts),
    context: undefined,
    malformedToolCall: calls.malformed,
  };
}

/** One piece; a whole answer has a `message` where a stream has a `delta`. */
function* deltaEvents(place: Place, choice: Record<string, unknown>, calls: CallParts): Generator<AnswerEvent> {
  const delta = choice["delta"] ?? choice["message"];
  const logprobs = wireLogprobs(listAt(choice["logprobs"], "content"));
  let extra = logprobs.length === 0 ? {} : { logprobs };
  const thought = textAt(delta, "reasoning_content") || textAt(delta, "reasoning");
  if (thought !== "") {
    yield { type: "thinking-delta", text: thought, ...extra };
    extra = {};
  }
  const text = textAt(delta, "content");
  if (text !== "" || (thought === "" && logprobs.length > 0)) yield { type: "text-delta", text, ...extra };
  for (const piece of listAt(delta, "tool_calls")) {
    try {
      yield* calls.add(piece);
    } catch (error) {
      throw unreadable(place, error instanceof Error ? error.message : String(error), error);
    }
  }
}

export async function* readCompletion(
  place: Place,
  stream: AnswerStream,
  clock: Clock,
): AsyncGenerator<RunnerEvent, void, undefined> {
  const ending: Ending = { reason: undefined, stopWord: undefined, counts: NOTHING };
  for await (const value of eventValues(place, stream)) {
    const choice = noteEnding(value, ending);
    const text = textAt(choice, "text");
    const logprobs = textLogprobs(choice?.["logprobs"]);
    if (text === "" && logprobs.length === 0) continue;
    clock.begun();
    stream.begun();
    yield { type: "delta", delta: { id: 0, text, ...(logprobs.length === 0 ? {} : { logprobs }) } };
  }
  if (ending.reason === undefined) throw cutOff(place);
  yield runnerDone(ending.reason, ending.stopWord, ending.counts, clock);
}

export function runnerDone(
  reason: "stop" | "length",
  stopWord: string | undefined,
  counts: TokenCounts,
  clock: Clock,
): RunnerEvent {
  return {
    type: "done",
    id: 0,
    reason,
    ...(stopWord === undefined ? {} : { stopWord }),
    promptTokens: counts.promptTokens,
    evaluatedTokens: counts.promptTokens - counts.cachedTokens,
    generatedTokens: counts.generatedTokens,
    promptMs: clock.promptMs,
    generateMs: clock.generateMs,
    cutTokens: 0,
    shiftedTokens: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
  };
}
