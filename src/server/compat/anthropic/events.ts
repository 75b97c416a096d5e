// Answer events → the events of an Anthropic stream, or one whole message (spec 3.22, 3.23).
//   message_start (block_start block_delta* block_stop)* message_delta message_stop, one block open at a time

import type { AnswerBlock, MessagesResponse, StreamEvent } from "../../../api/anthropic.ts";
import { goJson } from "../../../base/go-encode.ts";
import type { AnswerEvent } from "../../../inference/model.ts";
import type { CollectedAnswer } from "../../native-chunks.ts";

export interface MessageFrame {
  readonly id: string;
  readonly model: string;
  readonly estimatedTokens: number;
  readonly stopSequences: readonly string[];
}

type Done = Extract<AnswerEvent, { type: "done" }>;

export async function* messageEvents(
  events: AsyncIterable<AnswerEvent>,
  frame: MessageFrame,
): AsyncGenerator<StreamEvent, void, undefined> {
  let begun = false;
  let index = 0;
  let open: "text" | "thinking" | undefined;
  let called = false;
  const start = (content_block: AnswerBlock): StreamEvent => ({ type: "content_block_start", index, content_block });
  const close = function* (): Generator<StreamEvent> {
    if (open === undefined) return;
    open = undefined;
    yield { type: "content_block_stop", index: index++ };
  };
  for await (const event of events) {
    // The first event decides whether this is a stream at all, so nothing is said before it.
    if (!begun) yield messageStart(frame);
    begun = true;
    switch (event.type) {
      case "text-delta":
      case "thinking-delta": {
        const kind = event.type === "text-delta" ? "text" : "thinking";
        if (event.text === "") break;
        if (open !== kind) {
          yield* close();
          yield start(kind === "text" ? { type: "text", text: "" } : { type: "thinking", thinking: "", signature: "" });
          open = kind;
        }
        yield {
          type: "content_block_delta",
          index,
          delta:
            kind === "text"
              ? { type: "text_delta", text: event.text }
              : { type: "thinking_delta", thinking: event.text },
        };
        break;
      }
      case "tool-call": {
        yield* close();
        const { id, name, arguments: input } = event.call;
        called = true;
        yield start({ type: "tool_use", id, name, input: {} });
        yield { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: goJson(input) } };
        yield { type: "content_block_stop", index: index++ };
        break;
      }
      case "done":
        yield* close();
        yield { type: "message_delta", delta: stopOf(event, called, frame.stopSequences), usage: usageOf(event) };
        yield { type: "message_stop" };
        break;
      default:
        event satisfies never;
    }
  }
}

function messageStart({ id, model, estimatedTokens }: MessageFrame): StreamEvent {
  const usage = { input_tokens: estimatedTokens, output_tokens: 0 };
  const message: MessagesResponse = {
    id,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  return { type: "message_start", message };
}

function usageOf({ usage }: Done) {
  return { input_tokens: usage.promptTokens, output_tokens: usage.generatedTokens };
}

/** Only a word the request asked for counts as its stop sequence: the model's own are how turns end. */
function stopOf({ reason, stopWord }: Done, called: boolean, wanted: readonly string[]) {
  if (called) return { stop_reason: "tool_use", stop_sequence: null };
  if (reason === "length") return { stop_reason: "max_tokens", stop_sequence: null };
  if (stopWord !== undefined && wanted.includes(stopWord)) {
    return { stop_reason: "stop_sequence", stop_sequence: stopWord };
  }
  return { stop_reason: "end_turn", stop_sequence: null };
}

export function wholeMessage(answer: CollectedAnswer, done: Done, frame: MessageFrame): MessagesResponse {
  const { text, thinking, toolCalls } = answer;
  const content: AnswerBlock[] = [
    ...(thinking === "" ? [] : [{ type: "thinking" as const, thinking, signature: "" }]),
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ...toolCalls.map(({ id, name, arguments: input }) => ({
      type: "tool_use" as const,
      id,
      name,
      input: { ...input },
    })),
  ];
  return {
    id: frame.id,
    type: "message",
    role: "assistant",
    model: frame.model,
    content,
    ...stopOf(done, toolCalls.length > 0, frame.stopSequences),
    usage: usageOf(done),
  };
}
