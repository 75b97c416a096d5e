// Pure estimates of what a model takes and what its cache may take: slots × context is bounded by memory, never a guess
// that the system has to pay for.

export interface ModelCost {
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  readonly recurrentBytesPerSequence: number;
  readonly trainedContext: number;
}

export interface CachePlan {
  readonly maxContext: number;
  readonly maxSequences: number;
  readonly budgetBytes: number;
}

export interface CacheWishes {
  /** OLLAMA_NUM_PARALLEL, or 0 to choose. */
  readonly numParallel: number;
  /** The context that must be reachable by one sequence: num_ctx or the default, at most what was trained. */
  readonly context: number;
}

/** Working buffers of a graph, measured for small models and dominated by the vocabulary for large ones. */
const COMPUTE_BYTES = 256 * 1024 * 1024;
/** Share of the memory left after the weights that the cache may grow into. */
const CACHE_SHARE = 0.5;
const MOST_SEQUENCES = 64;
/** llama.cpp makes no context for more (LLAMA_MAX_SEQ). */
const MOST_ASKED_SEQUENCES = 256;
/** A slot is only counted when it could hold a conversation of this many tokens. */
const USEFUL_CONTEXT = 1024;
const SMALLEST_CONTEXT = 256;

/** Bytes that GPUs have free; 0 without any. */
export function vramBytes(gpus: readonly { readonly freeBytes: number }[]): number {
  return gpus.reduce((sum, { freeBytes }) => sum + freeBytes, 0);
}

/** Predicted bytes at load: weights, working buffers and a first small cache. */
export function predictBytes(cost: ModelCost): number {
  return cost.weightBytes + COMPUTE_BYTES + 1024 * cost.kvBytesPerToken + cost.recurrentBytesPerSequence;
}

/** Bytes of KV cache a token takes with another cell type than f16. */
export function scaleKvBytes(f16Bytes: number, type: string): number {
  const bitsPerValue: Record<string, number> = {
    f32: 32,
    f16: 16,
    bf16: 16,
    q8_0: 8.5,
    q5_1: 6,
    q5_0: 5.5,
    q4_1: 5,
    q4_0: 4.5,
    iq4_nl: 4.5,
  };
  return Math.ceil((f16Bytes * (bitsPerValue[type] ?? 16)) / 16);
}

/**
 * The limits of the cache: half of what is free after the weights, one sequence's whole context at the least. The
 * number of sequences is how many useful contexts fit, or what was asked for.
 */
export function planCache(cost: ModelCost, availableBytes: number, wishes: CacheWishes): CachePlan {
  const free = Math.max(0, availableBytes - cost.weightBytes - COMPUTE_BYTES);
  const perToken = Math.max(1, cost.kvBytesPerToken);
  const budgetBytes = Math.max(free * CACHE_SHARE, SMALLEST_CONTEXT * perToken);
  const reachable = Math.floor((budgetBytes - cost.recurrentBytesPerSequence) / perToken);
  const maxContext = Math.max(SMALLEST_CONTEXT, Math.min(wishes.context, reachable));
  const useful = Math.min(USEFUL_CONTEXT, maxContext) * perToken + cost.recurrentBytesPerSequence;
  const fitting = Math.max(1, Math.floor(budgetBytes / useful));
  const asked = Math.min(wishes.numParallel, MOST_ASKED_SEQUENCES);
  const maxSequences = asked > 0 ? asked : Math.min(MOST_SEQUENCES, fitting);
  return { maxContext, maxSequences, budgetBytes };
}
