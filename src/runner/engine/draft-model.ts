// Speculation with a draft model: a small model of the same vocabulary says what the large one will probably say next, and one
// batch of the large one checks it (engine.ts). The draft model follows the same sequences in a context of its own, which is
// only ever a guess: whatever it holds is compared with the real text first and cut back where they differ.

import { AppError } from "../../base/errors.ts";
import { Batch } from "../llama/batch.ts";
import { Context } from "../llama/context.ts";
import type { LlamaSymbols } from "../llama/library.ts";
import type { Model } from "../llama/model.ts";
import type { Threadpool } from "../llama/threadpool.ts";
import type { ContextPlan } from "./plan.ts";
import { likeliest } from "./sampler.ts";
import type { FixedParams } from "./sequences.ts";
import { commonPrefix } from "./slots.ts";

export interface DraftWish {
  /** The sequence's place in the large model's context. */
  readonly sequence: number;
  /** Its text, with the token that is to be evaluated next. */
  readonly tokens: readonly number[];
  readonly most: number;
}

export class DraftModel implements Disposable {
  readonly #batch: Batch;
  #context: Context | undefined;
  #plan: ContextPlan = { sequences: 0, contextPerSequence: 0 };
  /** What each sequence of the draft context holds. */
  #held: number[][] = [];
  /** Milliseconds that one drafted token took, smoothed; 0: not known. */
  tokenMs = 0;

  /** Throws `invalid` when the two models do not share a vocabulary. */
  constructor(
    private readonly llama: LlamaSymbols,
    private readonly model: Model,
    target: Model,
    private readonly fixed: FixedParams,
    private readonly threadpool: Threadpool | undefined,
  ) {
    mustShareVocabulary(model, target);
    if (model.isRecurrent || model.isHybrid) {
      throw new AppError(
        "invalid",
        "the draft model keeps a recurrent state, which cannot be cut back after a wrong guess",
      );
    }
    this.#batch = new Batch(fixed.batch);
  }

  /** Gives its context's memory back; the next draft makes a new one, and reads its text again. */
  release(): void {
    this.#context?.[Symbol.dispose]();
    this.#context = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  setThreads(threads: number): void {
    this.#context?.setThreads(threads);
  }

  /** Up to `most` tokens for each wish; none for a sequence whose text the draft model has yet to read. */
  draft(wishes: readonly DraftWish[], plan: ContextPlan): number[][] {
    const context = this.#fitting(plan);
    const drafts = wishes.map((): number[] => []);
    const ready = this.#catchUp(context, wishes);
    const startedMs = performance.now();
    let drafted = 0;
    for (let going = ready; going.length > 0;) {
      const next: Ready[] = [];
      for (const { wish, index } of going) {
        const { sequence, most } = wishes[wish] as DraftWish;
        const token = likeliest(context.logits(index) ?? new Float32Array());
        const draft = drafts[wish] as number[];
        draft.push(token);
        drafted++;
        const full = (this.#held[sequence]?.length ?? 0) + 1 >= context.contextPerSequence;
        if (draft.length < most && !full && !this.model.isEndOfGeneration(token)) next.push({ wish, index: 0 });
      }
      going = this.#advance(context, wishes, drafts, next);
    }
    if (drafted > 0) this.#time((performance.now() - startedMs) / drafted);
    return drafts;
  }

  /** One more token for each sequence that goes on. */
  #advance(
    context: Context,
    wishes: readonly DraftWish[],
    drafts: readonly number[][],
    going: readonly Ready[],
  ): Ready[] {
    if (going.length === 0) return [];
    this.#batch.clear();
    const placed = going.map(({ wish }) => {
      const { sequence } = wishes[wish] as DraftWish;
      return { wish, index: this.#add(sequence, drafts[wish]?.at(-1) ?? 0, true) };
    });
    return context.decode(this.#batch) === 0 ? placed : this.#forget(going.map(({ wish }) => wishes[wish]));
  }

  /** Reads what the large model's sequences hold and the draft context does not, one batch at a time. */
  #catchUp(context: Context, wishes: readonly DraftWish[]): Ready[] {
    this.#batch.clear();
    const ready: Ready[] = [];
    for (const [wish, { sequence, tokens }] of wishes.entries()) {
      const held = this.#held[sequence] ?? [];
      // The last token is always read anew: its logits are what the first guess is drawn from.
      const same = Math.min(commonPrefix(held, tokens), tokens.length - 1);
      if (tokens.length > context.contextPerSequence) continue;
      if (same < held.length) this.#cut(context, sequence, same);
      const room = this.#batch.capacity - this.#batch.length;
      const unread = tokens.slice(this.#held[sequence]?.length ?? 0);
      for (const [i, token] of unread.slice(0, room).entries()) {
        const index = this.#add(sequence, token, i === unread.length - 1);
        if (i === unread.length - 1) ready.push({ wish, index });
      }
    }
    if (this.#batch.length === 0) return [];
    return context.decode(this.#batch) === 0 ? ready : this.#forget(wishes);
  }

  #add(sequence: number, token: number, output: boolean): number {
    const held = (this.#held[sequence] ??= []);
    const index = this.#batch.add(token, held.length, sequence, output);
    held.push(token);
    return index;
  }

  #cut(context: Context, sequence: number, length: number): void {
    const removed = length > 0 && context.remove(sequence, length, -1);
    if (!removed) context.remove(sequence, -1, -1);
    this.#held[sequence] = removed ? (this.#held[sequence]?.slice(0, length) ?? []) : [];
  }

  /** After a failed decode nothing is known of these sequences. */
  #forget(wishes: readonly (DraftWish | undefined)[]): Ready[] {
    for (const wish of wishes)
      if (wish !== undefined && this.#context !== undefined) this.#cut(this.#context, wish.sequence, 0);
    return [];
  }

  /** A context for as many sequences as the large model has; growing loses what was held, which is read again. */
  #fitting(plan: ContextPlan): Context {
    const { sequences, contextPerSequence } = plan;
    const same = this.#plan.sequences === sequences && this.#plan.contextPerSequence === contextPerSequence;
    if (this.#context !== undefined && same) return this.#context;
    this.#context?.[Symbol.dispose]();
    const context = Context.create(this.llama, this.model, {
      ...this.fixed,
      contextPerSequence: Math.min(contextPerSequence, this.model.trainedContext || contextPerSequence),
      sequences,
      outputs: Math.min(this.fixed.batch, sequences),
    });
    if (this.threadpool !== undefined) context.attachThreadpool(this.threadpool.pointer);
    this.#context = context;
    this.#plan = plan;
    this.#held = Array.from({ length: sequences }, () => []);
    return context;
  }

  #time(ms: number): void {
    this.tokenMs = this.tokenMs === 0 ? ms : this.tokenMs * 0.9 + ms * 0.1;
  }
}

/** A sequence whose next guess can be drawn from these logits. */
interface Ready {
  readonly wish: number;
  readonly index: number;
}

/** Tokens compared by their text: enough that another vocabulary of the same size is told apart. */
const COMPARED_TOKENS = 256;

function mustShareVocabulary(draft: Model, target: Model): void {
  const size = Math.min(draft.vocabSize, target.vocabSize);
  const stride = Math.max(1, Math.floor(size / COMPARED_TOKENS));
  let same = draft.bosToken === target.bosToken && draft.eosToken === target.eosToken;
  // Padding may make one vocabulary a little longer (llama.cpp allows 128 more: common/speculative.cpp).
  same &&= Math.abs(draft.vocabSize - target.vocabSize) <= 128;
  for (let token = 0; token < size && same; token += stride) {
    same = Buffer.from(draft.rawPiece(token, true)).equals(target.rawPiece(token, true));
  }
  if (!same) throw new AppError("invalid", "the draft model has another vocabulary than the model it is to draft for");
}
