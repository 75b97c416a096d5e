// A generation that has its sequence.

import type { Generation } from "./generation.ts";
import type { DraftPacing } from "./lookup-draft.ts";
import type { Sequence } from "./sequences.ts";

export interface Running {
  readonly generation: Generation;
  readonly sequence: Sequence;
}

/** Rows of the batch whose logits will be sampled: the next token's, then one for each drafted token behind it. */
export interface Output {
  readonly running: Running;
  readonly index: number;
  readonly draft: Draft;
}

/** Guesses at the tokens that follow, and who wants to know how many were right. */
export interface Draft {
  readonly tokens: readonly number[];
  readonly pacing: DraftPacing | undefined;
}

export const NO_DRAFT: Draft = { tokens: [], pacing: undefined };
