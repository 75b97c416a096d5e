// POST /v1/responses, and GET and DELETE of one that is kept.

import { Elysia } from "elysia";
import { type ResponseEvent, type ResponseObject, ResponsesRequest } from "../../../api/openai/responses.ts";
import { AppError } from "../../../base/errors.ts";
import type { ChatMessage } from "../../../chat/message.ts";
import { firstCallOnly } from "../../answers.ts";
import { jsonBody } from "../../body.ts";
import { openChat } from "../../chat-draft.ts";
import { jsonResponse } from "../../errors.ts";
import type { Services } from "../../services.ts";
import { type SseItem, sseResponse } from "../../stream.ts";
import { answering, PLAIN_JSON } from "./errors.ts";
import { responseDraft } from "./response-request.ts";
import { answerMessage, ResponseStore } from "./response-store.ts";
import { responseEvents, ResponseStream } from "./response-stream.ts";
import { currentRequest, endOf } from "../../request-context.ts";

export function openAIResponseRoutes(services: Services, kept = new ResponseStore()) {
  const about = (summary: string) => ({ detail: { summary, tags: ["openai"] } });
  const find = (id: string) => {
    const stored = kept.get(owner(), id);
    if (stored === undefined) throw new AppError("not-found", `Response with id '${id}' not found.`);
    return stored;
  };
  return new Elysia()
    .post("/v1/responses", ({ body, request }) => respond(services, kept, body, endOf(request)), {
      parse: jsonBody(ResponsesRequest),
      body: ResponsesRequest,
      ...about("Answer a conversation (responses)"),
    })
    .get(
      "/v1/responses/:id",
      ({ params }) => jsonResponse(find(params.id).response),
      about("Get a response that is kept"),
    )
    .delete(
      "/v1/responses/:id",
      ({ params: { id } }) => {
        find(id);
        kept.delete(owner(), id);
        return jsonResponse({ id, object: "response", deleted: true });
      },
      { parse: "none", ...about("Forget a response") },
    );
}

/** Ollama says it here and for messages, not in its other streams. */
const NO_CACHE = { "cache-control": "no-cache" };

/** Whose responses this request may see. */
function owner(): string {
  return currentRequest()?.keyId ?? "";
}

function respond(
  services: Services,
  kept: ResponseStore,
  request: ResponsesRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { draft, conversation } = responseDraft(request, earlierMessages(kept, request.previous_response_id));
  const who = owner();
  return answering(async () => {
    const { model, question } = await openChat(services, request.model ?? "", draft);
    const answer = model.chat(question, signal);
    const stream = new ResponseStream(request);
    const events = responseEvents(question.parallelToolCalls ? answer : firstCallOnly(answer), stream);
    const watched = keeping(events, (response) => {
      if (response.store) kept.put(who, { response, conversation: [...conversation, answerMessage(response.output)] });
    });
    if (request.stream === true) {
      return sseResponse(named(watched), (error) => [namedEvent(stream.failed(error))], NO_CACHE);
    }
    let last: ResponseEvent | undefined;
    for await (const event of watched) last = event;
    const response = last?.response;
    if (response === undefined || response.status === "in_progress")
      throw new AppError("internal", "the answer did not end");
    return jsonResponse(response, 200, { "content-type": PLAIN_JSON });
  });
}

function earlierMessages(kept: ResponseStore, id: string | undefined): readonly ChatMessage[] {
  if (id === undefined || id === "") return [];
  const stored = kept.get(owner(), id);
  if (stored === undefined) throw new AppError("invalid", `Previous response with id '${id}' not found.`);
  return stored.conversation;
}

/** Keeps the finished response before its last event goes out: a client may continue at once. */
async function* keeping(
  events: AsyncIterable<ResponseEvent>,
  keep: (response: ResponseObject) => void,
): AsyncGenerator<ResponseEvent, void, undefined> {
  for await (const event of events) {
    const { response } = event;
    if (response !== undefined && response.status !== "in_progress") keep(response);
    yield event;
  }
}

function namedEvent(event: ResponseEvent): SseItem {
  return { event: event.type, data: event };
}

async function* named(events: AsyncIterable<ResponseEvent>): AsyncGenerator<SseItem, void, undefined> {
  for await (const event of events) yield namedEvent(event);
}
