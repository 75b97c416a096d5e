// What goes into the next batch: every running answer's next token, and as many prompt tokens as leave the others flowing.

export interface PromptView {
  readonly id: number;
  readonly remaining: number;
  /** Order of arrival. */
  readonly arrival: number;
}

export interface FeedLimits {
  readonly batch: number;
  /** Prompt tokens to compute beside running answers. */
  readonly slice: number;
}

export interface PromptShare {
  readonly id: number;
  readonly tokens: number;
}

/**
 * Splits the room left by `running` answer tokens among the prompts: the shortest first, so that a short prompt never
 * waits behind a long one, but half of the room is kept for the oldest, so that a long one always moves on.
 */
export function sharePrompts(prompts: readonly PromptView[], running: number, limits: FeedLimits): PromptShare[] {
  let room = Math.max(0, limits.batch - running);
  if (running > 0) room = Math.min(room, limits.slice);
  if (room === 0 || prompts.length === 0) return [];
  const shares = new Map<number, number>();
  const give = (prompt: PromptView, most: number): void => {
    const tokens = Math.min(prompt.remaining - (shares.get(prompt.id) ?? 0), most, room);
    if (tokens <= 0) return;
    shares.set(prompt.id, (shares.get(prompt.id) ?? 0) + tokens);
    room -= tokens;
  };
  const byAge = prompts.toSorted((a, b) => a.arrival - b.arrival);
  const oldest = byAge[0];
  if (oldest !== undefined) give(oldest, Math.max(1, Math.floor(room / 2)));
  for (const prompt of prompts.toSorted((a, b) => a.remaining - b.remaining || a.arrival - b.arrival)) {
    give(prompt, room);
  }
  return Array.from(shares, ([id, tokens]) => ({ id, tokens }));
}

/** A slice may stretch a step to this many times a step without one: the gap that running answers see. */
const SLICE_STRETCH = 4;
/**
 * Where a prompt token costs nearly a step of its own, the stretch alone would hardly let a prompt move. On 2 processors beside one answer
 * of 8 ms a token, a prompt of 1,150 tokens took 6.9, 5.7 and 5.0 s in slices of 8, 16 and 32, the answer's gaps were 50, 80 and 145 ms.
 */
const SMALLEST_SLICE = 16;

/**
 * How many prompt tokens fit beside running answers, from what steps and prompt tokens have cost so far. Where more
 * prompts wait than answers run there is no limit but the batch: most clients have nothing yet.
 */
export function sliceFor(
  costs: { readonly stepMs: number; readonly promptTokenMs: number },
  counts: { readonly prompts: number; readonly answers: number },
  batch: number,
): number {
  if (counts.prompts > counts.answers) return batch;
  if (costs.stepMs <= 0 || costs.promptTokenMs <= 0) return Math.min(128, batch);
  // The smoothed step may stem from fewer answers; each costs about a prompt token once the processor is the limit.
  const stepMs = Math.max(costs.stepMs, counts.answers * costs.promptTokenMs);
  const tokens = Math.floor((stepMs * (SLICE_STRETCH - 1)) / costs.promptTokenMs);
  return Math.max(Math.min(SMALLEST_SLICE, batch), Math.min(tokens, batch));
}
