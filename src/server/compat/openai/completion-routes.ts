// POST /v1/completions: the model's own template is applied to the prompt, as Ollama does.

import { Elysia } from "elysia";
import { CompletionRequest } from "../../../api/openai/completions.ts";
import { AppError } from "../../../base/errors.ts";
import type { AskableModel, PromptQuestion } from "../../../inference/model.ts";
import { type Ask, askSeveral, collectSeveral } from "../../answers.ts";
import { jsonBody } from "../../body.ts";
import { jsonResponse } from "../../errors.ts";
import { openNamed } from "../../model-reference.ts";
import { thinkOf } from "../../request-settings.ts";
import type { Services } from "../../services.ts";
import { sseResponse } from "../../stream.ts";
import { withDone } from "./chat-routes.ts";
import { completion, completionChunks } from "./completion-events.ts";
import { completionDraft, promptTexts } from "./completion-request.ts";
import { answering, brokenStream, PLAIN_JSON } from "./errors.ts";
import { answerId, unixSeconds } from "./ids.ts";
import { seedOf } from "./sampling.ts";
import { endOf } from "../../request-context.ts";

export function openAICompletionRoutes(services: Services) {
  return new Elysia().post("/v1/completions", ({ body, request }) => complete(services, body, endOf(request)), {
    parse: jsonBody(CompletionRequest),
    body: CompletionRequest,
    detail: { summary: "Continue a prompt", tags: ["openai"] },
  });
}

function complete(services: Services, request: CompletionRequest, signal: AbortSignal): Promise<Response> {
  const draft = completionDraft(request);
  return answering(async () => {
    const sent = request.model ?? "";
    if (sent === "") throw new AppError("not-found", "model '' not found");
    const model = await openNamed(services, sent);
    const { abilities } = model;
    if (!abilities.completion) throw new AppError("invalid", `${JSON.stringify(sent)} does not support generate`);
    if (request.suffix && !abilities.insert) throw new AppError("invalid", `${model.fullName} does not support insert`);
    const texts = await promptTexts(draft.prompts, model, signal);
    const question = (prompt: string): PromptQuestion => ({
      ...draft.settings,
      prompt,
      suffix: request.suffix ?? "",
      system: "",
      template: undefined,
      context: undefined,
      raw: false,
      think: thinkOf(undefined, abilities, sent),
    });
    if (request._debug_render_only === true) {
      return jsonResponse({ _debug_info: { rendered_template: model.renderPrompt(question(texts[0] ?? "")) } });
    }
    const promptOf = (index: number) => texts[Math.floor(index / draft.perPrompt)] ?? "";
    const count = texts.length * draft.perPrompt;
    const frame = {
      id: answerId("cmpl-"),
      created: unixSeconds(),
      model: sent,
      prompts: texts.length,
      echo: request.echo === true ? Array.from({ length: count }, (_, index) => promptOf(index)) : [],
    };
    const ask = askOf(model, (index) => question(promptOf(index)), draft.perPrompt);
    if (request.stream === true) {
      const chunks = completionChunks(
        askSeveral(count, ask, signal),
        frame,
        request.stream_options?.include_usage === true,
      );
      return sseResponse(withDone(chunks), brokenStream);
    }
    const answers = await collectSeveral(count, ask, signal);
    return jsonResponse(completion(answers, frame), 200, { "content-type": PLAIN_JSON });
  });
}

function askOf(model: AskableModel, questionOf: (index: number) => PromptQuestion, perPrompt: number): Ask {
  return (index, signal) => {
    const question = questionOf(index);
    const options = { ...question.options, ...seedOf(question.options, index % perPrompt) };
    return model.complete({ ...question, options, promptIsShared: index % perPrompt > 0 }, signal);
  };
}
