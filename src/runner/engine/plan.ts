// How large the KV cache is: sequences × tokens each. Touching its memory costs time at load, so the engine starts with
// what the first request needs and grows on demand towards its limits; prompts and idle prefixes move along.

export interface ContextPlan {
  readonly sequences: number;
  readonly contextPerSequence: number;
}

export interface PlanLimits {
  readonly maxSequences: number;
  readonly maxContext: number;
  readonly budgetBytes: number;
  readonly bytesPerToken: number;
}

export interface PlanDemand {
  /** Requests that want a sequence now. */
  readonly sequences: number;
  /** Tokens the longest of them will need. */
  readonly tokens: number;
}

export const SMALLEST_CONTEXT = 256;
/** What the first context is made for: one short conversation. */
export const FIRST_DEMAND: PlanDemand = { sequences: 1, tokens: 512 };
/** Up to here a cache keeps what idle conversations have when it grows: longer for all of them, wider for the longest. */
const MODEST_CACHE = 512 * 1024 * 1024;
/** Memory worth a pause of a growth when others come again. */
const WORTH_GIVING_BACK = 256 * 1024 * 1024;

export function bytesOf(plan: ContextPlan, { bytesPerToken }: Pick<PlanLimits, "bytesPerToken">): number {
  return plan.contextPerSequence * plan.sequences * bytesPerToken;
}

function roundUp(value: number, from: number): number {
  let size = from;
  while (size < value) size *= 2;
  return size;
}

function affordable(contextPerSequence: number, limits: PlanLimits): number {
  const perSequence = contextPerSequence * Math.max(limits.bytesPerToken, 1);
  return Math.max(1, Math.floor(limits.budgetBytes / perSequence));
}

/** The smallest plan that serves the demand within the limits; sequences give way before context does. */
export function planFor(demand: PlanDemand, limits: PlanLimits): ContextPlan {
  const contextPerSequence = Math.min(roundUp(demand.tokens, SMALLEST_CONTEXT), limits.maxContext);
  const wanted = Math.min(roundUp(demand.sequences, 1), limits.maxSequences);
  return { contextPerSequence, sequences: Math.min(wanted, affordable(contextPerSequence, limits)) };
}

/**
 * The plan to move to, or undefined when the current one serves the demand or cannot be bettered. `busy` sequences hold
 * running requests and must keep their place; idle ones keep theirs only while that is cheap, because a cache of many long
 * sequences takes long to make: 64 × 8,192 tokens of a small model are 12 GB.
 */
export function growPlan(
  current: ContextPlan,
  demand: PlanDemand,
  busy: number,
  limits: PlanLimits,
): ContextPlan | undefined {
  const sequences = Math.max(demand.sequences, current.sequences);
  const tokens = Math.max(demand.tokens, current.contextPerSequence);
  const all = planFor({ sequences, tokens }, limits);
  const modest = Math.max(MODEST_CACHE, bytesOf(current, limits));
  const plan =
    bytesOf(all, limits) <= modest ? all : planFor({ ...demand, sequences: Math.max(demand.sequences, busy) }, limits);
  if (plan.sequences < busy) return undefined;
  const longer = plan.contextPerSequence > current.contextPerSequence && demand.tokens > current.contextPerSequence;
  const wider = plan.sequences > current.sequences && demand.sequences > current.sequences;
  return longer || wider ? plan : undefined;
}

/** What to shrink to after a rest, room for `held` tokens included; undefined where that would give too little back. */
export function restPlan(current: ContextPlan, held: number, limits: PlanLimits): ContextPlan | undefined {
  const plan = planFor({ ...FIRST_DEMAND, tokens: Math.max(FIRST_DEMAND.tokens, held + 1) }, limits);
  return bytesOf(current, limits) - bytesOf(plan, limits) >= WORTH_GIVING_BACK ? plan : undefined;
}
