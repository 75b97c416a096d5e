// Makes a conversation fit: the oldest messages go, system messages and the last one always stay (spec 2.35).

import type { ChatMessage } from "../chat/message.ts";

/** The conversation without its `dropped` oldest messages, whose system messages move to the front. */
export function withoutOldest(messages: readonly ChatMessage[], dropped: number): ChatMessage[] {
  const system = messages.slice(0, dropped).filter(({ role }) => role === "system");
  return [...system, ...messages.slice(dropped)];
}

/**
 * The fewest messages to drop so that `fits` holds; all but the last when nothing helps. Fewer messages never make a
 * longer prompt, so halving finds it.
 */
export async function messagesToDrop(
  messages: readonly ChatMessage[],
  fits: (messages: readonly ChatMessage[]) => Promise<boolean>,
): Promise<number> {
  let low = 1;
  let high = Math.max(messages.length - 1, 0);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await fits(withoutOldest(messages, middle))) high = middle;
    else low = middle + 1;
  }
  return Math.min(low, Math.max(messages.length - 1, 0));
}
