// How many threads compute, found out by doing: llama.cpp's threads spin at barriers, so when another program takes one of
// their processors a step does not get a little slower but up to a hundred times. The governor times real decode steps at
// the plausible counts, keeps the best, and looks again now and then. Pure: it is told times and answers counts.

export interface StepTime {
  readonly threads: number;
  /** Tokens in the batch; only steps of the same size are compared. */
  readonly tokens: number;
  readonly ms: number;
  readonly nowMs: number;
}

interface Arm {
  readonly threads: number;
  /** Smoothed milliseconds by batch size. */
  readonly cost: Map<number, number>;
  lookAgainMs: number;
  pauseMs: number;
}

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
/** Another count must be this much better to be taken. */
const MARGIN = 0.95;
/** A trial this much worse than the best ends after one step. */
const HOPELESS = 3;
const TRIAL_STEPS = 2;

/** Counts worth trying: all, half, and one where that is not far below. */
export function plausibleCounts(most: number): number[] {
  const counts = [most, Math.ceil(most / 2), ...(most <= 4 ? [1] : [])];
  return [...new Set(counts)].filter((count) => count >= 1);
}

export class ThreadGovernor {
  readonly #arms: readonly Arm[];
  #best: Arm;
  #trial: { arm: Arm; left: number } | undefined;
  #restsFirst: boolean;
  #looks = 0;

  /** `remembered`: `startWith` was found best before, so the others can wait for their look. */
  constructor(counts: readonly number[], startWith: number, remembered = false) {
    this.#arms = counts.map((threads) => ({ threads, cost: new Map(), lookAgainMs: 0, pauseMs: FIRST_PAUSE_MS }));
    const first = this.#arms.find(({ threads }) => threads === startWith) ?? this.#arms[0];
    if (first === undefined) throw new RangeError("no thread counts to choose from");
    this.#best = first;
    this.#restsFirst = remembered;
  }

  /** Other counts have been tried: `settled` is a finding. */
  get hasLooked(): boolean {
    return this.#looks > 0;
  }

  /** What the next step should use. */
  get threads(): number {
    return (this.#trial?.arm ?? this.#best).threads;
  }

  /** What is kept when no trial is under way. */
  get settled(): number {
    return this.#best.threads;
  }

  /** Takes in one decode step; the count for the next may change. */
  record({ threads, tokens, ms, nowMs }: StepTime): void {
    const arm = this.#arms.find((other) => other.threads === threads);
    if (arm === undefined || this.#arms.length === 1) return;
    const old = arm.cost.get(tokens);
    // The first step after a change of threads wakes sleepers; a later one is the better witness.
    arm.cost.set(
      tokens,
      old === undefined ? ms : this.#trial === undefined ? old * 0.8 + ms * 0.2 : Math.min(old * 1.5, ms),
    );
    if (this.#trial !== undefined) this.#continueTrial(this.#trial, tokens, ms, nowMs);
    else this.#maybeStartTrial(tokens, nowMs);
  }

  #continueTrial(trial: { arm: Arm; left: number }, tokens: number, ms: number, nowMs: number): void {
    trial.left--;
    this.#looks++;
    const best = this.#best.cost.get(tokens);
    const hopeless = best !== undefined && ms > best * HOPELESS;
    if (trial.left > 0 && !hopeless) return;
    this.#trial = undefined;
    const { arm } = trial;
    const cost = arm.cost.get(tokens) ?? ms;
    if (best !== undefined && cost < best * MARGIN) {
      this.#best.lookAgainMs = nowMs + FIRST_PAUSE_MS;
      this.#best.pauseMs = FIRST_PAUSE_MS;
      this.#best = arm;
      return;
    }
    arm.pauseMs = Math.min(arm.pauseMs * 2, LONGEST_PAUSE_MS);
    arm.lookAgainMs = nowMs + arm.pauseMs;
  }

  #maybeStartTrial(tokens: number, nowMs: number): void {
    if (this.#restsFirst) {
      this.#restsFirst = false;
      for (const arm of this.#arms) arm.lookAgainMs = nowMs + FIRST_PAUSE_MS;
    }
    const next = this.#arms.find(
      (arm) => arm !== this.#best && (arm.lookAgainMs <= nowMs || this.#suspicious(arm, tokens)),
    );
    if (next === undefined || this.#best.cost.get(tokens) === undefined) return;
    next.cost.delete(tokens);
    this.#trial = { arm: next, left: TRIAL_STEPS };
  }

  /** The current count has become worse than this one was: look at once. */
  #suspicious(arm: Arm, tokens: number): boolean {
    const theirs = arm.cost.get(tokens);
    const ours = this.#best.cost.get(tokens);
    return theirs !== undefined && ours !== undefined && ours > theirs * 1.3;
  }
}
