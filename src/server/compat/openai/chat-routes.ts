// POST /v1/chat/completions.

import { Elysia } from "elysia";
import { ChatCompletionRequest } from "../../../api/openai/chat.ts";
import type { AskableModel, ChatQuestion } from "../../../inference/model.ts";
import { type Ask, askSeveral, collectSeveral, firstCallOnly } from "../../answers.ts";
import { translate } from "../../../base/translated.ts";
import { jsonBody } from "../../body.ts";
import { openChat } from "../../chat-draft.ts";
import { jsonResponse } from "../../errors.ts";
import type { Services } from "../../services.ts";
import { type SseItem, sseResponse } from "../../stream.ts";
import { chatCompletion, chatChunks, type Frame } from "./chat-events.ts";
import { chatDraft } from "./chat-request.ts";
import { answering, brokenStream, PLAIN_JSON } from "./errors.ts";
import { answerId, unixSeconds } from "./ids.ts";
import { answersWanted, seedOf } from "./sampling.ts";
import { endOf } from "../../request-context.ts";

export function openAIChatRoutes(services: Services) {
  return new Elysia().post("/v1/chat/completions", ({ body, request }) => complete(services, body, endOf(request)), {
    parse: jsonBody(ChatCompletionRequest),
    body: ChatCompletionRequest,
    detail: { summary: "Answer a conversation", tags: ["openai"] },
  });
}

function complete(services: Services, request: ChatCompletionRequest, signal: AbortSignal): Promise<Response> {
  const draft = chatDraft(request);
  const count = answersWanted(request.n);
  return answering(async () => {
    const { model, question } = await openChat(services, request.model ?? "", draft);
    const frame = { id: answerId("chatcmpl-"), created: unixSeconds(), model: request.model ?? "" };
    if (request._debug_render_only === true) return debugRender(model, question, frame);
    const ask = askOf(model, question);
    if (request.stream === true) {
      const chunks = chatChunks(askSeveral(count, ask, signal), frame, request.stream_options?.include_usage === true);
      return sseResponse(withDone(chunks), brokenStream);
    }
    const answers = await collectSeveral(count, ask, signal);
    return jsonResponse(chatCompletion(answers, frame), 200, { "content-type": PLAIN_JSON });
  });
}

function askOf(model: AskableModel, question: ChatQuestion): Ask {
  return (index, signal) => {
    const options = { ...question.options, ...seedOf(question.options, index) };
    const events = model.chat({ ...question, options, promptIsShared: index > 0 }, signal);
    return question.parallelToolCalls ? events : firstCallOnly(events);
  };
}

export function withDone(chunks: AsyncIterable<unknown>): AsyncIterable<SseItem> {
  return translate<unknown, SseItem>(
    chunks,
    (data) => [{ data }],
    () => [{ data: "[DONE]" }],
  );
}

function debugRender(model: AskableModel, question: ChatQuestion, frame: Frame): Response {
  const empty = { text: "", thinking: "", toolCalls: [], logprobs: [], done: undefined };
  const rendered_template = model.renderChat(question);
  const body = { ...chatCompletion([empty], frame), _debug_info: { rendered_template } };
  return jsonResponse(body, 200, { "content-type": PLAIN_JSON });
}
