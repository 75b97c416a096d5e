// POST /v1/messages and /v1/messages/count_tokens.

import { Elysia } from "elysia";
import { CountTokensRequest, MessagesRequest, type StreamEvent } from "../../../api/anthropic.ts";
import { AppError } from "../../../base/errors.ts";
import { firstCallOnly } from "../../answers.ts";
import { jsonBody } from "../../body.ts";
import { openChat } from "../../chat-draft.ts";
import { jsonResponse } from "../../errors.ts";
import { collectAnswer } from "../../native-chunks.ts";
import type { Services } from "../../services.ts";
import { type SseItem, sseResponse } from "../../stream.ts";
import { anthropicErrorResponse, anthropicId, brokenMessage } from "./errors.ts";
import { messageEvents, wholeMessage } from "./events.ts";
import { estimateTokens } from "./message-blocks.ts";
import { messagesDraft, promptDraft } from "./request.ts";
import { endOf } from "../../request-context.ts";

const PLAIN_JSON = "application/json";

export function anthropicRoutes(services: Services) {
  return new Elysia()
    .post("/v1/messages", ({ body, request }) => answer(services, body, endOf(request)), {
      parse: jsonBody(MessagesRequest),
      body: MessagesRequest,
      detail: { summary: "Answer a conversation", tags: ["anthropic"] },
    })
    .post("/v1/messages/count_tokens", ({ body, request }) => countTokens(services, body, endOf(request)), {
      parse: jsonBody(CountTokensRequest),
      body: CountTokensRequest,
      detail: { summary: "Count the tokens of a conversation", tags: ["anthropic"] },
    });
}

async function answer(services: Services, request: MessagesRequest, signal: AbortSignal): Promise<Response> {
  const draft = messagesDraft(request);
  const frame = {
    id: anthropicId("msg"),
    model: request.model ?? "",
    estimatedTokens: estimateTokens(request.system, request.messages ?? [], request.tools ?? []),
    stopSequences: request.stop_sequences ?? [],
  };
  try {
    const { model, question } = await openChat(services, request.model ?? "", draft);
    const all = model.chat(question, signal);
    const events = question.parallelToolCalls ? all : firstCallOnly(all);
    if (request.stream === true) {
      return await sseResponse(named(messageEvents(events, frame)), brokenMessage, { "cache-control": "no-cache" });
    }
    const collected = await collectAnswer(events);
    if (collected.done === undefined) throw new AppError("internal", "the answer did not end");
    return jsonResponse(wholeMessage(collected, collected.done, frame), 200, { "content-type": PLAIN_JSON });
  } catch (error) {
    return anthropicErrorResponse(error, PLAIN_JSON);
  }
}

async function* named(events: AsyncIterable<StreamEvent>): AsyncGenerator<SseItem, void, undefined> {
  for await (const event of events) yield { event: event.type, data: event };
}

/** Exact: the prompt is rendered and tokenised as it would be for an answer. */
async function countTokens(services: Services, request: CountTokensRequest, signal: AbortSignal): Promise<Response> {
  const draft = promptDraft(request, {});
  const { model, question } = await openChat(services, request.model ?? "", draft);
  const input_tokens = await model.countChat(question, signal);
  return jsonResponse({ input_tokens }, 200, { "content-type": PLAIN_JSON });
}
