// Which sequence serves a request. Pure: it weighs what each choice must compute against what it throws away.

export interface SlotView {
  readonly sequence: number;
  /** Token ids whose state the sequence holds, by position. */
  readonly tokens: readonly number[];
  readonly busy: boolean;
  /** Grows with every use; the smallest is the least recently used. */
  readonly lastUsed: number;
  /** First position whose state is really there: a sliding window restored from a copy has lost the older ones. */
  readonly firstPosition: number;
}

export interface SlotChoice {
  readonly sequence: number;
  /** Prompt tokens already in the sequence after the copy, if there is one. */
  readonly reuse: number;
  /** Copy this whole sequence over the chosen one first, then cut it back to `reuse`. */
  readonly copyFrom: number | undefined;
}

export interface ReuseRules {
  /** "cut": a sequence can be cut back to any prefix. "append": only continued where it ends (recurrent and hybrid models). */
  readonly reuse: "cut" | "append" | "none";
  readonly canCopy: boolean;
  /** Tokens of the sliding window; 0: none. */
  readonly slidingWindow: number;
}

/** A copied prefix must save at least this many prompt tokens to pay for the copy. */
const COPY_WORTH_TOKENS = 32;
/** What a lost cached token counts against a prompt token to compute. */
const LOST_WEIGHT = 0.25;
/**
 * What a gap between running sequences counts, in prompt tokens: llama.cpp evaluates only neighbours together, so every
 * gap costs a pass over the weights at every step of the answer.
 */
const GAP_COST_TOKENS = 48;

export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}

/** Prompt tokens that a sequence saves. At least one is always computed: its logits give the first token of the answer. */
export function reusable(
  slot: Pick<SlotView, "tokens" | "firstPosition">,
  prompt: readonly number[],
  rules: ReuseRules,
): number {
  if (rules.reuse === "none") return 0;
  const common = commonPrefix(slot.tokens, prompt);
  if (rules.reuse === "append") return common === slot.tokens.length && common < prompt.length ? common : 0;
  const reuse = Math.min(common, prompt.length - 1);
  // A prefix is whole only if the window before its end is (llama.cpp server: pos_min against pos_next - n_swa).
  const needed = rules.slidingWindow === 0 ? 0 : Math.max(0, reuse - rules.slidingWindow);
  return slot.firstPosition <= needed ? reuse : 0;
}

/** The best idle sequence for `prompt`, or undefined when all are busy. */
export function chooseSlot(
  slots: readonly SlotView[],
  prompt: readonly number[],
  rules: ReuseRules,
): SlotChoice | undefined {
  const source = rules.canCopy ? bestSource(slots, prompt, rules) : undefined;
  let best: { choice: SlotChoice; cost: number; lastUsed: number } | undefined;
  const consider = (slot: SlotView, reuse: number, copyFrom: number | undefined, cost: number): void => {
    const better = best === undefined || cost < best.cost || (cost === best.cost && slot.lastUsed < best.lastUsed);
    if (better) best = { choice: { sequence: slot.sequence, reuse, copyFrom }, cost, lastUsed: slot.lastUsed };
  };
  for (const slot of slots) {
    if (slot.busy) continue;
    const reuse = reusable(slot, prompt, rules);
    const gap = opensGap(slot, slots) ? GAP_COST_TOKENS : 0;
    const lost = (slot.tokens.length - reuse) * LOST_WEIGHT;
    consider(slot, reuse, undefined, prompt.length - reuse + lost + gap);
    if (source === undefined || source.sequence === slot.sequence) continue;
    if (source.reuse - reuse < COPY_WORTH_TOKENS) continue;
    const copied = prompt.length - source.reuse + COPY_WORTH_TOKENS / 2 + slot.tokens.length * LOST_WEIGHT + gap;
    consider(slot, source.reuse, source.sequence, copied);
  }
  return best?.choice;
}

/** Whether others run, and none of them right beside this sequence. */
function opensGap(slot: SlotView, slots: readonly SlotView[]): boolean {
  const busy = slots.filter((other) => other.busy);
  return busy.length > 0 && !busy.some((other) => Math.abs(other.sequence - slot.sequence) === 1);
}

function bestSource(
  slots: readonly SlotView[],
  prompt: readonly number[],
  rules: ReuseRules,
): { sequence: number; reuse: number } | undefined {
  let best: { sequence: number; reuse: number } | undefined;
  for (const slot of slots) {
    const reuse = reusable(slot, prompt, rules);
    if (reuse > (best?.reuse ?? 0)) best = { sequence: slot.sequence, reuse };
  }
  return best;
}

/**
 * True when it pays to wait: a prompt now being computed shares at least COPY_WORTH_TOKENS more with this one than any
 * sequence holds yet.
 */
export function shouldWaitForPrefix(
  slots: readonly SlotView[],
  computing: readonly (readonly number[])[],
  prompt: readonly number[],
  rules: ReuseRules,
): boolean {
  if (rules.reuse !== "cut" || !rules.canCopy) return false;
  let ready = 0;
  for (const slot of slots) ready = Math.max(ready, reusable(slot, prompt, rules));
  return computing.some(
    (other) => Math.min(commonPrefix(other, prompt), prompt.length - 1) - ready >= COPY_WORTH_TOKENS,
  );
}

/**
 * The move that closes a gap between running sequences: the last one goes into the first free place. Undefined when they
 * are neighbours already.
 */
export function gapMove(running: readonly number[]): { readonly from: number; readonly to: number } | undefined {
  const sorted = running.toSorted((a, b) => a - b);
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined || last - first + 1 === sorted.length) return undefined;
  const gap = sorted.findIndex((sequence, i) => sequence !== first + i);
  return { from: last, to: first + gap };
}
