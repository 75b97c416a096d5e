// POST /api/generate (spec 2.17–2.25).

import { Elysia } from "elysia";
import { keepAliveMs } from "../../api/go-types.ts";
import { decodeOptions } from "../../api/schema/options.ts";
import { GenerateRequest, type GenerateResponse } from "../../api/schema/generate.ts";
import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import { formatNow } from "../../base/rfc3339.ts";
import type { AnswerEvent, AskableModel, PromptQuestion } from "../../inference/model.ts";
import { jsonBody } from "../body.ts";
import { jsonResponse } from "../errors.ts";
import { openNamed } from "../model-reference.ts";
import { collectAnswer, generateChunk, wireLogprobs, wireToolCall } from "../native-chunks.ts";
import { askSettings, checkImages, checkTopLogprobs, thinkOf } from "../request-settings.ts";
import type { Services } from "../services.ts";
import { ndjsonResponse } from "../stream.ts";
import { endOf } from "../request-context.ts";

export function generateRoutes(services: Services) {
  return new Elysia().post("/api/generate", ({ body, request }) => generate(services, body, endOf(request)), {
    parse: jsonBody(GenerateRequest),
    body: GenerateRequest,
    detail: { summary: "Continue a prompt", tags: ["generate"] },
  });
}

async function generate(services: Services, request: GenerateRequest, signal: AbortSignal): Promise<Response> {
  checkTopLogprobs(request.top_logprobs);
  const sent = request.model ?? "";
  if (sent.trim() === "") throw new AppError("not-found", `model '${sent}' not found`);
  const model = await openNamed(services, sent);
  const prompt = request.prompt ?? "";
  if (prompt === "" && keepAliveMs(request.keep_alive) === 0) {
    model.unload();
    return jsonResponse(emptyAnswer(sent, "unload"));
  }
  const context = request.context ?? [];
  if (request.raw === true && (request.template || request.system || context.length > 0)) {
    throw new AppError("invalid", "raw mode does not support template, system, or context");
  }
  const { abilities } = model;
  const think = thinkOf(request.think, abilities, sent);
  if (!abilities.completion) throw new AppError("invalid", `${goQuote(sent)} does not support generate`);
  if (request.suffix && !abilities.insert) throw new AppError("invalid", `${model.fullName} does not support insert`);
  const options = decodeOptions(request.options);
  if (prompt === "") {
    await model.load(options, keepAliveMs(request.keep_alive), signal);
    return jsonResponse(emptyAnswer(sent, "load"));
  }
  checkImages(request.images, model, sent);
  const settings = askSettings(request);
  const question: PromptQuestion = {
    ...settings,
    prompt,
    suffix: request.suffix ?? "",
    system: request.system ?? "",
    template: request.template === "" ? undefined : request.template,
    context: request.context,
    raw: request.raw ?? false,
    ...(request.images === undefined || request.images.length === 0 ? {} : { images: request.images }),
    think,
  };
  if (request._debug_render_only === true) return debugRender(sent, model, question);
  const events = model.complete(question, signal);
  return request.stream === false
    ? whole(model, sent, events)
    : ndjsonResponse(events, (event) => ({ ...generateChunk(sent, event), ...model.remote }));
}

function emptyAnswer(model: string, reason: "load" | "unload"): GenerateResponse {
  return { model, created_at: formatNow(), response: "", done: true, done_reason: reason };
}

function debugRender(sent: string, model: AskableModel, question: PromptQuestion): Response {
  const rendered_template = model.renderPrompt(question);
  return jsonResponse({
    model: sent,
    created_at: formatNow(),
    response: "",
    done: false,
    _debug_info: { rendered_template },
  });
}

async function whole({ remote }: AskableModel, sent: string, events: AsyncIterable<AnswerEvent>): Promise<Response> {
  const { text, thinking, toolCalls, logprobs, done } = await collectAnswer(events);
  if (done === undefined) throw new AppError("internal", "the answer did not end");
  return jsonResponse({
    ...generateChunk(sent, done),
    ...remote,
    response: text,
    ...(thinking === "" ? {} : { thinking }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(wireToolCall) }),
    ...(logprobs.length === 0 ? {} : { logprobs: wireLogprobs(logprobs) }),
  });
}
