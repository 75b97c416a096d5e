// What answers cost, in OpenAI's words. Several answers share one prompt, which counts once.

import type { Usage as WireUsage } from "../../../api/openai/shared.ts";
import type { Usage } from "../../../inference/model.ts";

export function openAIUsage(usages: readonly Usage[], prompts = 1): WireUsage {
  const sum = (of: (usage: Usage) => number, of_: readonly Usage[]) =>
    of_.reduce((total, usage) => total + of(usage), 0);
  // Answers come prompt by prompt; the first of each stands for its prompt.
  const perPrompt = Math.max(1, Math.floor(usages.length / prompts));
  const firsts = usages.filter((_, index) => index % perPrompt === 0);
  const prompt = sum(({ promptTokens }) => promptTokens, firsts);
  const completion = sum(({ generatedTokens }) => generatedTokens, usages);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum(({ cachedTokens }) => cachedTokens, firsts) },
  };
}
