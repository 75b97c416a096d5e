// An engine may pass over a choice of tools that it was told to enforce: llama-server does so for a model whose template knows
// no tools. A client that demanded a call must not take the text for an answer.

import type { AnswerEvent } from "../model.ts";
import { type Place, unreadable } from "./failure.ts";
import type { RemoteChat } from "./question.ts";

type Events = AsyncGenerator<AnswerEvent, void, undefined>;

/** Throws in place of an end without the call that was demanded. One that ran out of tokens may have been on its way to it. */
export function heldToCall(place: Place, { tools, toolChoice }: RemoteChat, events: Events): Events {
  const isDemanded = tools.length > 0 && toolChoice !== "auto" && toolChoice !== "none";
  return isDemanded ? watched(place, events) : events;
}

async function* watched(place: Place, events: Events): Events {
  let hasCalled = false;
  for await (const event of events) {
    if (event.type === "tool-call") hasCalled = true;
    if (event.type === "done" && !hasCalled && !event.malformedToolCall && event.reason === "stop")
      throw unreadable(
        place,
        "called no tool although it was told that it must (tool_choice); its model may know none",
      );
    yield event;
  }
}
