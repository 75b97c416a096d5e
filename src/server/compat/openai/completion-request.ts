// A completion request → prompts and what they are asked with (spec 3.11). Pure, except that token ids need the model's
// vocabulary to become text.

import type { CompletionRequest } from "../../../api/openai/completions.ts";
import { AppError } from "../../../base/errors.ts";
import type { AskableModel, AskSettings } from "../../../inference/model.ts";
import { askSettings } from "../../request-settings.ts";
import { answersWanted, goTypeName, logitBias, MAX_ANSWERS, stopWords, wireOptions } from "./sampling.ts";

/** A prompt as text or as token ids. */
export type SentPrompt = string | readonly number[];

export interface CompletionDraft {
  readonly prompts: readonly SentPrompt[];
  readonly settings: AskSettings;
  readonly perPrompt: number;
}

/** Ollama's limit; OpenAI's is 5. */
const MAX_LOGPROBS = 20;

export function completionDraft(request: CompletionRequest): CompletionDraft {
  const perPrompt = answersWanted(request.n);
  if ((request.best_of ?? 0) !== 0 && request.best_of !== perPrompt) {
    throw new AppError("invalid", "best_of is not supported beyond n");
  }
  const prompts = promptsOf(request.prompt);
  if (prompts.length * perPrompt > MAX_ANSWERS) {
    throw new AppError("invalid", `prompts times n must not be more than ${MAX_ANSWERS}`);
  }
  const { logprobs } = request;
  if (logprobs !== undefined && (logprobs < 0 || logprobs > MAX_LOGPROBS)) {
    throw new AppError("invalid", `logprobs must be between 0 and ${MAX_LOGPROBS}`);
  }
  return {
    prompts,
    perPrompt,
    settings: {
      ...askSettings({
        options: wireOptions(request, request.max_tokens, stopWords(request.stop)),
        keep_alive: request.keep_alive,
        logprobs: logprobs !== undefined,
        top_logprobs: logprobs,
      }),
      logitBias: logitBias(request.logit_bias),
    },
  };
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item) && item >= 0);
}

function promptsOf(prompt: unknown): SentPrompt[] {
  if (prompt === undefined || prompt === null) return [""];
  if (typeof prompt === "string") return [prompt];
  if (isTokens(prompt)) return [prompt];
  if (!Array.isArray(prompt) || prompt.length === 0) throw wrongPrompt(prompt);
  return prompt.map((item: unknown) => {
    if (typeof item === "string" || isTokens(item)) return item;
    throw wrongPrompt(item);
  });
}

function wrongPrompt(value: unknown): AppError {
  return new AppError(
    "invalid",
    `prompt must be a text, texts, token ids or lists of token ids, not ${goTypeName(value)}`,
  );
}

export function promptTexts(
  prompts: readonly SentPrompt[],
  model: AskableModel,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return Promise.all(
    prompts.map(async (prompt) => (typeof prompt === "string" ? prompt : model.detokenize(prompt, signal))),
  );
}
