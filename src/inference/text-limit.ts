// Texts that cannot fit are not tokenized: a megabyte without a space takes llama.cpp many seconds, in which its runner answers
// nobody else.

import { AppError } from "../base/errors.ts";

/** No text of a model's language has more characters in a token than this, on average. */
const MOST_PER_TOKEN = 16;
const USUAL_PER_TOKEN = 4;
/** Always tried. */
const SHORT = 256 * 1024;

/** More characters than this are more tokens than the context holds. */
export function mostText(contextTokens: number): number {
  return Math.max(SHORT, contextTokens * MOST_PER_TOKEN);
}

/** Of a text that is too long to count. */
export function estimatedTokens(text: string): number {
  return Math.ceil(text.length / USUAL_PER_TOKEN);
}

/** The beginning and the end, as a prompt that is too long is cut. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.floor(most / 4);
  return text.slice(0, head) + text.slice(text.length - (most - head));
}

export function requireCountable(text: string, contextTokens: number): void {
  const most = mostText(contextTokens);
  if (text.length > most)
    throw new AppError("invalid", `the text has ${text.length} characters; this model reads ${most} at a time`);
}
