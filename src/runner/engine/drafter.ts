// Guesses at the tokens that follow, for every running answer: from the text itself where it repeats, else from a draft model.
// How many is decided for each answer by what its guesses have brought so far.

import type { DraftModel, DraftWish } from "./draft-model.ts";
import { COPYING_MATCH, lookUpDraft } from "./lookup-draft.ts";
import type { Draft, Running } from "./running.ts";
import { OUTPUTS_PER_SEQUENCE, type Sequences } from "./sequences.ts";
import type { StepCosts } from "./step-costs.ts";

export class Drafter {
  #draftModel: DraftModel | undefined;

  constructor(
    private readonly parts: {
      readonly sequences: Sequences;
      readonly costs: StepCosts;
      /** Most tokens of a batch. */
      readonly batchSize: number;
    },
    draftModel: DraftModel | undefined,
  ) {
    this.#draftModel = draftModel;
  }

  setThreads(threads: number): void {
    this.#draftModel?.setThreads(threads);
  }

  /** Gives memory back until it is asked again. */
  release(): void {
    this.#draftModel?.release();
  }

  /** Guesses at what follows: from the text itself where it repeats, else from the draft model. */
  drafts(answering: readonly Running[]): Map<Running, Draft> {
    const draftModel = this.#draftModel;
    const { costs } = this.parts;
    const drafts = new Map<Running, Draft>();
    const asked: { running: Running; wish: DraftWish }[] = [];
    for (const running of answering) {
      const most = this.#draftRoom(running, answering.length);
      if (most <= 0) continue;
      const { generation, sequence } = running;
      const tokens = [...sequence.tokens, generation.output.at(-1) ?? 0];
      const stepMs = costs.stepMs / answering.length;
      const { extraTokenMs } = costs;
      const found = lookUpDraft(tokens, most);
      // Where a text has been copied so far, a few words in common mean that it goes on.
      const copies = found.matched >= COPYING_MATCH || generation.copyPacing.hasPaid;
      const pacing = copies ? generation.copyPacing : generation.lookupPacing;
      const guess = found.matched === 0 ? [] : found.tokens.slice(0, pacing.next(stepMs, extraTokenMs));
      if (guess.length > 0) {
        drafts.set(running, { tokens: guess, pacing });
        continue;
      }
      if (draftModel === undefined) continue;
      const wanted = Math.min(most, generation.modelPacing.next(stepMs, extraTokenMs + draftModel.tokenMs));
      if (wanted > 0) asked.push({ running, wish: { sequence: sequence.sequence, tokens, most: wanted } });
    }
    if (draftModel === undefined || asked.length === 0) return drafts;
    const guesses = this.#guess(
      draftModel,
      asked.map(({ wish }) => wish),
    );
    for (const [i, { running }] of asked.entries()) {
      drafts.set(running, { tokens: guesses[i] ?? [], pacing: running.generation.modelPacing });
    }
    return drafts;
  }

  /** A guess is never worth an answer: a draft model that fails is not asked again. */
  #guess(draftModel: DraftModel, wishes: readonly DraftWish[]): number[][] {
    try {
      return draftModel.draft(wishes, this.parts.sequences.plan);
    } catch (error) {
      console.error(`answers go on without the draft model: ${String(error)}`);
      draftModel.release();
      this.#draftModel = undefined;
      return [];
    }
  }

  #draftRoom({ generation, sequence }: Running, answering: number): number {
    const { sequences, batchSize } = this.parts;
    const { draftTokens, maxTokens, contextLimit } = generation.request;
    if (sequences.rules.reuse !== "cut") return 0;
    return Math.min(
      OUTPUTS_PER_SEQUENCE - 1,
      draftTokens ?? OUTPUTS_PER_SEQUENCE,
      Math.min(contextLimit - 1, sequences.capacity) - sequence.tokens.length - 2,
      Math.floor(batchSize / answering) - 1,
      maxTokens < 0 ? OUTPUTS_PER_SEQUENCE : maxTokens - generation.output.length - 1,
    );
  }
}
