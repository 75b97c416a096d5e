// What is kept of a text that has outgrown its context: the first tokens, as num_keep says, and the end.

/** Tokens at the beginning that stay; a negative `numKeep` keeps the whole prompt. BOS stays besides. */
export function keptTokens(numKeep: number, promptTokens: number, addsBos: boolean): number {
  return (numKeep < 0 ? promptTokens : numKeep) + (addsBos ? 1 : 0);
}

/**
 * The prompt without its middle. What goes is chosen as Ollama does (llm/llama_server.go, contextShiftPromptLimit): half of
 * the context behind what is kept stays free for the answer, which would otherwise push half of the prompt out at once.
 */
export function fitPrompt(tokens: readonly number[], kept: number, contextLimit: number): number[] {
  const head = Math.max(0, Math.min(kept, contextLimit - 1));
  const length = contextLimit - Math.max(Math.floor((contextLimit - head) / 2), 1);
  return [...tokens.slice(0, head), ...tokens.slice(tokens.length - (length - head))];
}
