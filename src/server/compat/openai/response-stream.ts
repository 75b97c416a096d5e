// Answer events → the events of a response stream (spec 3.17, 3.18). The last one carries the whole response, so an answer that is
// not streamed comes from the same states. One output item is open at a time: none → reasoning | message → … → the end.

import type { OutputItem, ResponseEvent, ResponseObject, ResponsesRequest } from "../../../api/openai/responses.ts";
import { publicError } from "../../errors.ts";
import { goJson } from "../../../base/go-encode.ts";
import type { AnswerEvent, TokenLogprob, ToolCall } from "../../../inference/model.ts";
import { answerId, unixSeconds } from "./ids.ts";
import { emptyResponse } from "./response-object.ts";
import { openAILogprobs } from "./sampling.ts";

type Fields = Readonly<Record<string, unknown>>;
type Open =
  | { readonly is: "nothing" }
  | { readonly is: "reasoning"; readonly id: string; text: string }
  | { readonly is: "message"; readonly id: string; text: string; readonly logprobs: unknown[] };

export class ResponseStream {
  readonly id = answerId("resp_");
  readonly #response: ResponseObject;
  #sequence = 0;
  #open: Open = { is: "nothing" };

  constructor(request: ResponsesRequest) {
    this.#response = emptyResponse(this.id, request);
  }

  get #index(): number {
    return this.#response.output.length;
  }

  #event(type: string, fields: Fields): ResponseEvent {
    return { type, sequence_number: this.#sequence++, ...fields };
  }

  *begin(): Generator<ResponseEvent> {
    const response = { ...this.#response, output: [] };
    yield this.#event("response.created", { response });
    yield this.#event("response.in_progress", { response });
  }

  *take(event: AnswerEvent): Generator<ResponseEvent> {
    switch (event.type) {
      case "thinking-delta":
        if (event.text !== "") yield* this.#thinking(event.text);
        return;
      case "text-delta":
        if (event.text !== "" || event.logprobs !== undefined) yield* this.#text(event.text, event.logprobs ?? []);
        return;
      case "tool-call":
        yield* this.#close();
        yield* this.#call(event.call);
        return;
      case "done":
        yield* this.#finishItems(event.reason === "length" ? "incomplete" : "completed");
        yield this.#end(event);
        return;
      default:
        event satisfies never;
    }
  }

  failed(error: unknown): ResponseEvent {
    this.#response.status = "failed";
    this.#response.error = { code: "server_error", message: publicError(error).message };
    return this.#event("response.failed", { response: this.#response });
  }

  *#thinking(delta: string): Generator<ResponseEvent> {
    if (this.#open.is !== "reasoning") {
      yield* this.#close();
      this.#open = { is: "reasoning", id: answerId("rs_"), text: "" };
      const item = { id: this.#open.id, type: "reasoning", summary: [] };
      yield this.#event("response.output_item.added", { output_index: this.#index, item });
      const opened = { item_id: this.#open.id, output_index: this.#index, summary_index: 0 };
      // Ollama leaves the parts out, and OpenAI's client throws at a delta of a part that was never added.
      yield this.#event("response.reasoning_summary_part.added", { ...opened, part: summaryText("") });
    }
    this.#open.text += delta;
    const place = { item_id: this.#open.id, output_index: this.#index, summary_index: 0 };
    yield this.#event("response.reasoning_summary_text.delta", { ...place, delta });
  }

  *#openMessage(): Generator<ResponseEvent> {
    this.#open = { is: "message", id: answerId("msg_"), text: "", logprobs: [] };
    const item = { id: this.#open.id, type: "message", status: "in_progress", role: "assistant", content: [] };
    yield this.#event("response.output_item.added", { output_index: this.#index, item });
    const place = { item_id: this.#open.id, output_index: this.#index, content_index: 0 };
    yield this.#event("response.content_part.added", { ...place, part: outputText("", []) });
  }

  *#text(delta: string, tokens: readonly TokenLogprob[]): Generator<ResponseEvent> {
    if (this.#open.is !== "message") {
      yield* this.#close();
      yield* this.#openMessage();
    }
    // The generator above has opened one; the compiler cannot see through it.
    const open = this.#open as Extract<Open, { is: "message" }>;
    const logprobs = openAILogprobs(tokens).content;
    open.text += delta;
    open.logprobs.push(...logprobs);
    const place = { item_id: open.id, output_index: this.#index, content_index: 0 };
    yield this.#event("response.output_text.delta", { ...place, delta, logprobs });
  }

  *#close(status: "completed" | "incomplete" = "completed"): Generator<ResponseEvent> {
    const open = this.#open;
    this.#open = { is: "nothing" };
    if (open.is === "nothing") return;
    const { id, text } = open;
    const output_index = this.#index;
    if (open.is === "reasoning") {
      const place = { item_id: id, output_index, summary_index: 0 };
      const part = summaryText(text);
      yield this.#event("response.reasoning_summary_text.done", { ...place, text });
      yield this.#event("response.reasoning_summary_part.done", { ...place, part });
      yield this.#finish({ id, type: "reasoning", summary: [part], encrypted_content: text });
      return;
    }
    const { logprobs } = open;
    const place = { item_id: id, output_index, content_index: 0 };
    const part = outputText(text, logprobs);
    yield this.#event("response.output_text.done", { ...place, text, logprobs });
    yield this.#event("response.content_part.done", { ...place, part });
    yield this.#finish({ id, type: "message", status, role: "assistant", content: [part] });
  }

  /** An answer of nothing, or of nothing but reasoning, still has a message, as in Ollama: clients look for one. */
  *#finishItems(status: "completed" | "incomplete"): Generator<ResponseEvent> {
    if (this.#open.is === "reasoning") yield* this.#close();
    const hasSaid = this.#response.output.some(({ type }) => type !== "reasoning");
    if (this.#open.is === "nothing" && !hasSaid) yield* this.#openMessage();
    yield* this.#close(status);
  }

  #finish(item: OutputItem): ResponseEvent {
    const output_index = this.#index;
    this.#response.output.push(item);
    return this.#event("response.output_item.done", { output_index, item });
  }

  *#call(call: ToolCall): Generator<ResponseEvent> {
    const id = answerId("fc_");
    const output_index = this.#index;
    const item = { id, type: "function_call" as const, call_id: call.id, name: call.name };
    const args = goJson(call.arguments);
    const added = { ...item, status: "in_progress", arguments: "" };
    yield this.#event("response.output_item.added", { output_index, item: added });
    yield this.#event("response.function_call_arguments.delta", { item_id: id, output_index, delta: args });
    const finished = { item_id: id, output_index, name: call.name, arguments: args };
    yield this.#event("response.function_call_arguments.done", finished);
    yield this.#finish({ ...item, status: "completed", arguments: args });
  }

  #end({ reason, usage }: Extract<AnswerEvent, { type: "done" }>): ResponseEvent {
    const response = this.#response;
    const isCut = reason === "length";
    response.status = isCut ? "incomplete" : "completed";
    response.incomplete_details = isCut ? { reason: "max_output_tokens" } : null;
    response.completed_at = isCut ? null : unixSeconds();
    response.usage = {
      input_tokens: usage.promptTokens,
      output_tokens: usage.generatedTokens,
      total_tokens: usage.promptTokens + usage.generatedTokens,
      input_tokens_details: { cached_tokens: usage.cachedTokens },
      output_tokens_details: { reasoning_tokens: 0 },
    };
    return this.#event(`response.${response.status}`, { response });
  }
}

function summaryText(text: string) {
  return { type: "summary_text" as const, text };
}

function outputText(text: string, logprobs: unknown[]) {
  return { type: "output_text" as const, text, annotations: [], logprobs };
}

export async function* responseEvents(
  events: AsyncIterable<AnswerEvent>,
  stream: ResponseStream,
): AsyncGenerator<ResponseEvent, void, undefined> {
  let begun = false;
  for await (const event of events) {
    // The first event decides whether this is a stream at all, so nothing is said before it.
    if (!begun) yield* stream.begin();
    begun = true;
    yield* stream.take(event);
  }
}
