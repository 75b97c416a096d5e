// The sequences of a context and what each holds: owns the llama_context, grows it, moves states when it does. The only
// place that changes KV memory, so that `tokens` always tells what is really there.

import { AppError } from "../../base/errors.ts";
import { Context, type ContextParams } from "../llama/context.ts";
import type { LlamaSymbols } from "../llama/library.ts";
import type { Model } from "../llama/model.ts";
import type { Threadpool } from "../llama/threadpool.ts";
import type { ContextPlan } from "./plan.ts";
import { type PrefixStore, WORTH_KEEPING_TOKENS } from "./prefix-store.ts";
import { type StateShape, withStreams } from "./state-layout.ts";
import type { ReuseRules, SlotChoice, SlotView } from "./slots.ts";

export interface Sequence extends SlotView {
  sequence: number;
  tokens: number[];
  busy: boolean;
  lastUsed: number;
  firstPosition: number;
  /** How many tokens it held when it was last written to disk. */
  persisted: number;
}

export type FixedParams = Omit<ContextParams, "contextPerSequence" | "sequences" | "outputs">;

/** Logits rows one sequence may ask for in a batch: its own token and the drafted ones behind it. */
export const OUTPUTS_PER_SEQUENCE = 17;

export class Sequences implements Disposable {
  #context: Context;
  #plan: ContextPlan;
  #all: Sequence[];
  #clock = 0;
  #threads: number;
  #applyAdapters: ((context: Context) => void) | undefined;

  constructor(
    private readonly llama: LlamaSymbols,
    private readonly model: Model,
    private readonly fixed: FixedParams,
    private readonly threadpool: Threadpool | undefined,
    private readonly store: PrefixStore,
    plan: ContextPlan,
  ) {
    this.#plan = plan;
    this.#threads = fixed.threads;
    this.#context = this.#create(plan);
    this.#all = emptySequences(plan.sequences);
  }

  get context(): Context {
    return this.#context;
  }

  get plan(): ContextPlan {
    return this.#plan;
  }

  get all(): readonly Sequence[] {
    return this.#all;
  }

  /** Tokens a sequence can hold now. */
  get capacity(): number {
    return this.#context.contextPerSequence;
  }

  get rules(): ReuseRules {
    const { isRecurrent, isHybrid, slidingWindow } = this.model;
    const appendOnly = isRecurrent || isHybrid;
    return { reuse: appendOnly ? "append" : "cut", canCopy: !appendOnly, slidingWindow };
  }

  [Symbol.dispose](): void {
    this.#context[Symbol.dispose]();
  }

  /** Compute threads of the next decode; at most as many as the pool has. */
  setThreads(threads: number): void {
    if (threads === this.#threads) return;
    this.#threads = threads;
    this.#context.setThreads(threads);
  }

  /** LoRA adapters belong to a context: `apply` runs now and for every context made later. */
  setAdapters(apply: (context: Context) => void): void {
    this.#applyAdapters = apply;
    apply(this.#context);
  }

  at(sequence: number): Sequence {
    const found = this.#all[sequence];
    if (found === undefined) throw new AppError("internal", `no sequence ${sequence}`);
    return found;
  }

  /** Makes the chosen sequence hold exactly the first `reuse` tokens of the prompt, and marks it busy. */
  take(choice: SlotChoice): { sequence: Sequence; reused: number } {
    const target = this.at(choice.sequence);
    if (choice.reuse < target.tokens.length) this.#keep(target, choice.reuse);
    if (choice.copyFrom !== undefined) {
      const source = this.at(choice.copyFrom);
      this.#context.remove(target.sequence, -1, -1);
      this.#context.copy(source.sequence, target.sequence);
      target.tokens = source.tokens.slice();
      target.firstPosition = source.firstPosition;
    }
    const reused = this.cut(target, choice.reuse) ? choice.reuse : 0;
    target.busy = true;
    target.lastUsed = ++this.#clock;
    return { sequence: target, reused };
  }

  /** Puts a stored state into an idle sequence, in place of what it held. False when the state cannot be used. */
  fetch(sequence: Sequence, tokens: readonly number[], state: Uint8Array): boolean {
    if (tokens.length > this.capacity) return false;
    this.#keep(sequence, 0);
    this.empty(sequence);
    sequence.tokens = [...tokens];
    return this.#restore(sequence, state);
  }

  /** Writes what one idle sequence holds to disk, so that it survives this process. False when nothing is left to write. */
  persistOne(): boolean {
    const sequence = this.#all.find(
      ({ busy, tokens, persisted }) => !busy && tokens.length >= WORTH_KEEPING_TOKENS && persisted !== tokens.length,
    );
    if (sequence === undefined) return false;
    this.store.persist(sequence.tokens, this.#context.saveSequence(sequence.sequence));
    sequence.persisted = sequence.tokens.length;
    return true;
  }

  /** Tokens of the conversation that was used last. */
  get latestLength(): number {
    return this.#byUse()[0]?.tokens.length ?? 0;
  }

  /**
   * Moves to a smaller context while nothing runs: the conversations used last stay, the store has the others. False, and
   * nothing changes, where the store would have to forget them.
   */
  shrink(plan: ContextPlan): boolean {
    const leaving = this.#byUse().slice(plan.sequences);
    const unwritten = leaving.filter(({ tokens }) => !this.store.hasOnDisk(tokens));
    if (!this.store.keepsInMemory && unwritten.some(({ tokens }) => tokens.length >= WORTH_KEEPING_TOKENS))
      return false;
    for (const sequence of unwritten) this.#keep(sequence, 0);
    for (const sequence of leaving) this.empty(sequence);
    return this.resize(plan).changed;
  }

  /** What holds something: running ones first, then the most recently used. */
  #byUse(): Sequence[] {
    return this.#all
      .filter(({ busy, tokens }) => busy || tokens.length > 0)
      .sort((a, b) => Number(b.busy) - Number(a.busy) || b.lastUsed - a.lastUsed);
  }

  /** Saves a sequence that is about to lose more than `kept` tokens, unless the store is off or holds it. */
  #keep(sequence: Sequence, kept: number): void {
    if (sequence.tokens.length - kept < WORTH_KEEPING_TOKENS || !this.store.keepsInMemory) return;
    this.store.keep(sequence.tokens, this.#context.saveSequence(sequence.sequence));
  }

  /** Moves a running sequence to an idle one's place; what that one held goes to the store or is lost. */
  move(sequence: Sequence, place: number): void {
    const idle = this.at(place);
    this.#keep(idle, 0);
    this.empty(idle);
    this.#context.copy(sequence.sequence, place);
    this.#context.remove(sequence.sequence, -1, -1);
    this.#all[sequence.sequence] = idle;
    this.#all[place] = sequence;
    idle.sequence = sequence.sequence;
    sequence.sequence = place;
  }

  release(sequence: Sequence): void {
    sequence.busy = false;
    sequence.lastUsed = ++this.#clock;
  }

  /** Cuts a sequence back to its first `length` tokens; when the memory cannot do that it is emptied and false returned. */
  cut(sequence: Sequence, length: number): boolean {
    if (length === sequence.tokens.length) return true;
    if (length > 0 && this.#context.remove(sequence.sequence, length, -1)) {
      sequence.tokens.length = length;
      return true;
    }
    this.empty(sequence);
    return length === 0;
  }

  empty(sequence: Sequence): void {
    this.#context.remove(sequence.sequence, -1, -1);
    sequence.tokens = [];
    sequence.firstPosition = 0;
  }

  /** Drops the older half of what follows the first `keep` tokens and moves the rest down. Returns how many went. */
  shift(sequence: Sequence, keep: number): number {
    const past = sequence.tokens.length;
    const dropped = Math.floor((past - keep) / 2);
    if (dropped <= 0 || !this.#context.canShift) return 0;
    if (!this.#context.remove(sequence.sequence, keep, keep + dropped)) return 0;
    this.#context.shift(sequence.sequence, keep + dropped, past, -dropped);
    sequence.tokens.splice(keep, dropped);
    return dropped;
  }

  /**
   * Moves to another context; states move along, running ones first, then the most recently used, numbered anew; what
   * finds no place goes to the store. When it could not be had the old size stays. `lost` are running sequences whose
   * state did not survive, with the tokens they held: they must be computed again.
   */
  resize(plan: ContextPlan): { changed: boolean; lost: Map<Sequence, number[]> } {
    const filled = this.#byUse();
    const fitting = filled.filter(({ busy, tokens }) => busy || tokens.length <= plan.contextPerSequence);
    const moving = fitting.slice(0, plan.sequences);
    for (const sequence of filled) if (!moving.includes(sequence)) this.#keep(sequence, 0);
    const states = moving.map((sequence) => ({ sequence, state: this.#context.saveSequence(sequence.sequence) }));
    const before = this.#plan;
    this.#context[Symbol.dispose]();
    const changed = this.#replace(plan);
    if (!changed) this.#context = this.#create(before);
    else this.#plan = plan;
    this.#all = [...moving, ...emptySequences(this.#plan.sequences, moving.length)];
    const lost = new Map<Sequence, number[]>();
    for (const [id, { sequence, state }] of states.entries()) {
      sequence.sequence = id;
      const { tokens } = sequence;
      if (tokens.length > 0 && !this.#restore(sequence, state) && sequence.busy) lost.set(sequence, tokens);
    }
    return { changed, lost };
  }

  /** Puts a state into a sequence that is empty in memory; when that fails the sequence is empty in truth. */
  #restore(sequence: Sequence, state: Uint8Array): boolean {
    const fitting = withStreams(state, this.#plan.sequences, this.#stateShape);
    if (fitting === undefined || !this.#context.restoreSequence(sequence.sequence, fitting)) {
      this.empty(sequence);
      return false;
    }
    sequence.firstPosition = Math.max(0, this.#context.firstPosition(sequence.sequence));
    return true;
  }

  get #stateShape(): StateShape {
    const { isRecurrent, isHybrid, slidingWindow } = this.model;
    if (isRecurrent) return { attentionCaches: 0 };
    return { attentionCaches: slidingWindow > 0 && !isHybrid ? 2 : 1 };
  }

  #replace(plan: ContextPlan): boolean {
    try {
      this.#context = this.#create(plan);
      return true;
    } catch {
      return false;
    }
  }

  #create(plan: ContextPlan): Context {
    const context = Context.create(this.llama, this.model, {
      ...this.fixed,
      contextPerSequence: plan.contextPerSequence,
      sequences: plan.sequences,
      outputs: this.fixed.embeddings ? 0 : Math.min(this.fixed.batch, plan.sequences * OUTPUTS_PER_SEQUENCE),
    });
    if (this.threadpool !== undefined) context.attachThreadpool(this.threadpool.pointer);
    this.#applyAdapters?.(context);
    if (this.#threads !== this.fixed.threads) context.setThreads(this.#threads);
    return context;
  }
}

function emptySequences(count: number, from = 0): Sequence[] {
  return Array.from({ length: Math.max(0, count - from) }, (_, i) => ({
    sequence: from + i,
    tokens: [],
    busy: false,
    lastUsed: 0,
    firstPosition: 0,
    persisted: 0,
  }));
}
