// From the queue to a sequence: grows the context for what waits, finds the sequence that saves most of the prompt, brings
// stored prefixes back, and lets a prompt wait for one that is just computing the same beginning.

import type { FromRunner } from "../protocol.ts";
import type { Generation } from "./generation.ts";
import { bytesOf, type ContextPlan, growPlan, type PlanLimits, restPlan } from "./plan.ts";
import type { PrefixStore } from "./prefix-store.ts";
import type { Running } from "./running.ts";
import type { Sequences } from "./sequences.ts";
import { chooseSlot, gapMove, reusable, shouldWaitForPrefix, type SlotChoice } from "./slots.ts";

/** A stored prefix must save at least this many tokens more than what a sequence holds. */
const FETCH_WORTH_TOKENS = 32;

/** Memory copies at some gigabytes a second. */
const COPY_BYTES_PER_MS = 4e6;
const STEPS_WORTH_A_COPY = 2;

export class Admission {
  readonly #queue: Generation[] = [];
  /** A context of this size could not be had while the requests that run now ran. */
  #refusedBytes = Number.POSITIVE_INFINITY;

  constructor(
    private readonly sequences: Sequences,
    private readonly limits: PlanLimits,
    private readonly store: PrefixStore,
    private readonly emit: (message: FromRunner) => void,
  ) {}

  get length(): number {
    return this.#queue.length;
  }

  push(generation: Generation): void {
    this.#queue.push(generation);
  }

  /** Takes a waiting request out; undefined when it does not wait. */
  remove(id: number): Generation | undefined {
    const at = this.#queue.findIndex((generation) => generation.id === id);
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0];
  }

  /** Moves what can run now to `running`, in order of arrival. */
  admit(running: Running[]): void {
    if (running.length === 0) this.#refusedBytes = Number.POSITIVE_INFINITY;
    while (this.#queue.length > 0) {
      const prompts = running
        .filter(({ generation }) => generation.inPrompt)
        .map(({ generation }) => generation.prompt);
      const { all, rules } = this.sequences;
      const next = this.#queue.findIndex(({ prompt }) => !shouldWaitForPrefix(all, prompts, prompt, rules));
      const generation = this.#queue[next];
      if (generation === undefined) return;
      if (!this.#makeRoom(generation, running)) {
        if (running.length > 0) return;
        this.#queue.splice(next, 1);
        this.#refuse(generation);
        continue;
      }
      const choice = chooseSlot(this.sequences.all, generation.prompt, rules);
      if (choice === undefined) return;
      this.#queue.splice(next, 1);
      running.push(this.#start(generation, this.#withStored(choice, generation)));
      sortBySequence(running);
    }
  }

  /** Closes one gap between running sequences when the copy costs less than a few steps with the gap would. */
  closeGap(running: Running[], stepMs: number): void {
    const { rules, plan } = this.sequences;
    const move = rules.canCopy ? gapMove(running.map(({ sequence }) => sequence.sequence)) : undefined;
    if (move === undefined) return;
    const copyMs = (plan.contextPerSequence * this.limits.bytesPerToken) / COPY_BYTES_PER_MS;
    if (copyMs > stepMs * STEPS_WORTH_A_COPY) return;
    this.sequences.move(this.sequences.at(move.from), move.to);
    sortBySequence(running);
  }

  #start(generation: Generation, choice: SlotChoice): Running {
    const { sequence, reused } = this.sequences.take(choice);
    generation.start(reused);
    const promptTokens = generation.prompt.length + generation.cut;
    this.emit({ type: "started", id: generation.id, promptTokens, cutTokens: generation.cut, reusedTokens: reused });
    return { generation, sequence };
  }

  /** Fetches a stored prefix into the chosen sequence when it saves clearly more than what is there. */
  #withStored(choice: SlotChoice, generation: Generation): SlotChoice {
    const { rules } = this.sequences;
    // A saved state has lost what lies outside a sliding window, so it serves only where it is continued, not cut back.
    const found = this.store.find(generation.prompt, rules.reuse === "append" || rules.slidingWindow > 0);
    if (found === undefined || Math.min(found.common, generation.prompt.length - 1) - choice.reuse < FETCH_WORTH_TOKENS)
      return choice;
    if (found.entry.tokens.length > this.sequences.capacity) return choice;
    const state = this.store.load(found.entry);
    if (state === undefined) return choice;
    const sequence = this.sequences.at(choice.sequence);
    if (!this.sequences.fetch(sequence, found.entry.tokens, state)) return { ...choice, reuse: 0, copyFrom: undefined };
    return { sequence: choice.sequence, reuse: reusable(sequence, generation.prompt, rules), copyFrom: undefined };
  }

  /** Grows the context when this request, or the number that wait, needs more than there is. */
  #makeRoom(generation: Generation, running: Running[]): boolean {
    const waiting = Math.min(running.length + this.#queue.length, this.limits.maxSequences);
    this.grow({ sequences: waiting, tokens: generation.tokensWanted }, running);
    return generation.prompt.length < this.sequences.capacity;
  }

  /** Nothing else runs, and still there is no memory for what this request needs. */
  #refuse({ id, prompt }: Generation): void {
    const message = `there is not enough memory for a context of ${prompt.length} tokens; shorten the prompt, or close other programs`;
    this.emit({ type: "failed", id, fault: "internal", message });
  }

  /** Moves to a larger context if the demand asks for one and the limits allow it. */
  grow(demand: { readonly sequences: number; readonly tokens: number }, running: Running[]): boolean {
    const held = running.map(({ generation, sequence }) =>
      Math.max(generation.tokensWanted, sequence.tokens.length + 1),
    );
    const tokens = Math.max(demand.tokens, ...held);
    const budgetBytes = Math.min(this.limits.budgetBytes, this.#refusedBytes / 2);
    const plan = growPlan(this.sequences.plan, { ...demand, tokens }, running.length, { ...this.limits, budgetBytes });
    if (plan === undefined || bytesOf(plan, this.limits) >= this.#refusedBytes) return false;
    const changed = this.#resize(plan, running);
    if (changed) this.#tellMemory();
    else this.#refusedBytes = bytesOf(plan, this.limits);
    return changed;
  }

  /**
   * The same context anew: an emptied cache still holds its numbers, and one that is none spoils every sum it is in, also with a
   * weight of 0.
   */
  renew(running: Running[]): void {
    this.#resize(this.sequences.plan, running);
  }

  #resize(plan: ContextPlan, running: Running[]): boolean {
    const { changed, lost } = this.sequences.resize(plan);
    for (const { generation, sequence } of running) {
      const tokens = lost.get(sequence);
      if (tokens !== undefined) generation.restart(tokens);
    }
    sortBySequence(running);
    return changed;
  }

  /** After a rest: gives back the memory of a context much larger than the conversation used last needs. */
  shrink(): boolean {
    const { sequences, limits } = this;
    const plan = restPlan(sequences.plan, sequences.latestLength, limits);
    if (plan === undefined || !sequences.shrink(plan)) return false;
    this.#tellMemory();
    return true;
  }

  #tellMemory(): void {
    this.emit({ type: "memory", ...memoryOf(this.sequences.plan, this.limits) });
  }
}

export function memoryOf(
  plan: ContextPlan,
  limits: PlanLimits,
): { cacheBytes: number; contextPerSequence: number; sequences: number } {
  return { cacheBytes: bytesOf(plan, limits), ...plan };
}

/** llama.cpp joins only consecutive sequences into one micro-batch, so batches are filled in sequence order. */
function sortBySequence(running: Running[]): void {
  running.sort((a, b) => a.sequence.sequence - b.sequence.sequence);
}
