// Answer events → the events of an Anthropic stream, or one whole message (spec 3.22, 3.23).
//   message_start (block_start block_delta* block_stop)* message_delta message_stop, one block open at a time

import type { AnswerBlock, DeltaUsage, MessagesResponse, Stop, StreamEvent, Usage } from "../../../api/anthropic.ts";
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
        yield {
          type: "message_delta",
          delta: stopOf(event, called, frame.stopSequences),
          usage: deltaUsage(event.usage.promptTokens, event.usage.generatedTokens),
        };
        yield { type: "message_stop" };
        break;
      default:
        event satisfies never;
    }
  }
}

function messageStart({ id, model, estimatedTokens }: MessageFrame): StreamEvent {
  const message: MessagesResponse = {
    id,
    type: "message",
    role: "assistant",
    model,
    content: [],
    ...stop(null),
    diagnostics: null,
    usage: wholeUsage(estimatedTokens, 0),
  };
  return { type: "message_start", message };
}

function deltaUsage(input_tokens: number, output_tokens: number): DeltaUsage {
  return {
    input_tokens,
    output_tokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens_details: null,
    server_tool_use: null,
  };
}

function wholeUsage(input: number, output: number): Usage {
  return {
    ...deltaUsage(input, output),
    cache_creation: null,
    inference_geo: null,
    service_tier: null,
    speed: null,
  };
}

function stop(stop_reason: Stop["stop_reason"], stop_sequence: string | null = null): Stop {
  return { container: null, stop_details: null, stop_reason, stop_sequence };
}

/** Only a word the request asked for counts as its stop sequence: the model's own are how turns end. */
function stopOf({ reason, stopWord }: Done, called: boolean, wanted: readonly string[]): Stop {
  if (called) return stop("tool_use");
  if (reason === "length") return stop("max_tokens");
  return stopWord !== undefined && wanted.includes(stopWord) ? stop("stop_sequence", stopWord) : stop("end_turn");
}

export function wholeMessage(answer: CollectedAnswer, done: Done, frame: MessageFrame): MessagesResponse {
  const { text, thinking, toolCalls } = answer;
  const { promptTokens, generatedTokens } = done.usage;
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
    diagnostics: null,
    usage: wholeUsage(promptTokens, generatedTokens),
  };
}
