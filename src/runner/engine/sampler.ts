// Draws the next token: the filters of llama.cpp's default chain, in its order (common/common.h) — top-k, typical, top-p, min-p,
// temperature, the draw. Written here because the draw is serial while the other processors wait: llama.cpp's chain copies the
// vocabulary into records first (docs/decisions/0014-sampling.md). Penalties and biases touch few logits and are
// applied before (penalties.ts).

import { AppError } from "../../base/errors.ts";
import { Xoshiro128 } from "./xoshiro.ts";

export interface SampleParams {
  /** 0 or less: always the likeliest token that the filters leave. */
  readonly temperature: number;
  /** 0: no limit. */
  readonly topK: number;
  /** 1: off. */
  readonly topP: number;
  /** 0: off. */
  readonly minP: number;
  /** 1: off. */
  readonly typicalP: number;
  /** 32 bits. */
  readonly seed: number;
}

/** Logits looked at together: a block without a candidate costs eight comparisons and no branch of its own. */
const BLOCK = 8;
/** Up to here the best tokens are kept sorted while passing over the logits. */
const MOST_SORTED = 128;

export class Sampler {
  readonly #random: Xoshiro128;
  readonly #ids: Int32Array;
  readonly #values: Float32Array;

  constructor(private readonly params: SampleParams) {
    this.#random = new Xoshiro128(params.seed);
    const kept = this.#keepsSorted ? params.topK : 0;
    this.#ids = new Int32Array(kept);
    this.#values = new Float32Array(kept);
  }

  get #keepsSorted(): boolean {
    return this.params.topK > 0 && this.params.topK <= MOST_SORTED;
  }

  /** Throws `internal` when a logit is NaN or no token is left to draw. */
  sample(logits: Float32Array): number {
    const { temperature, topK, typicalP } = this.params;
    // Top-k, top-p and min-p never rule the likeliest out; typical sampling does, at temperature 0 too.
    if (topK === 1 || (temperature <= 0 && typicalP >= 1)) return likeliest(logits);
    if (!this.#keepsSorted && typicalP >= 1) return this.#draw(gather(logits, this.#cutoff(logits)));
    const best = this.#keepsSorted ? this.#best(logits) : sorted(logits, topK);
    const left = this.#filter(typicalP < 1 ? typical(best, typicalP) : best);
    return temperature <= 0 ? (left.ids[0] ?? 0) : this.#draw(left);
  }

  /** The `topK` likeliest, sorted. */
  #best(logits: Float32Array): Candidates {
    const size = largest(logits, this.#ids, this.#values);
    if (size === 0) throw nothingLeft();
    return { ids: this.#ids.subarray(0, size), logits: this.#values.subarray(0, size) };
  }

  /** Top-p and min-p over sorted candidates. */
  #filter({ ids, logits }: Candidates): Candidates {
    const { topP, minP } = this.params;
    const best = logits[0] ?? 0;
    let count = topP < 1 ? nucleus(logits, topP, mass(logits, best)) : logits.length;
    const least = best + Math.log(minP);
    while (count > 1 && (logits[count - 1] ?? 0) < least) count--;
    return { ids: ids.slice(0, count), logits: logits.slice(0, count) };
  }

  /** The smallest logit that top-k, top-p and min-p leave: found by sorting bare numbers, and only as many as can matter. */
  #cutoff(logits: Float32Array): number {
    const { topK, topP, minP } = this.params;
    const best = logits[likeliest(logits)] ?? 0;
    const least = best + Math.log(minP);
    if (topK === 0 && topP >= 1) return least;
    const total = mass(logits, best);
    for (let depth = FIRST_DEPTH; ; depth *= 2) {
      const all = depth > LAST_DEPTH;
      const values = gather(logits, all ? Number.NEGATIVE_INFINITY : best - depth)
        .logits.sort()
        .toReversed();
      const ranked = topK > 0 ? values.subarray(0, topK) : values;
      const missing = topK > 0 ? values.length < topK : mass(ranked, best) < topP * total;
      if (missing && !all) continue;
      const count = topP < 1 ? nucleus(ranked, topP, topK > 0 ? mass(ranked, best) : total) : ranked.length;
      return Math.max(least, ranked[count - 1] ?? least);
    }
  }

  #draw({ ids, logits }: Candidates): number {
    const { temperature } = this.params;
    const best = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
    const weights = new Float64Array(logits.length);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      const weight = Math.exp(((logits[i] as number) - best) / temperature);
      weights[i] = weight;
      sum += weight;
    }
    let left = this.#random.next() * sum;
    for (let i = 0; i < weights.length; i++) {
      left -= weights[i] as number;
      if (left < 0) return ids[i] as number;
    }
    return ids.at(-1) ?? 0;
  }
}

interface Candidates {
  readonly ids: Int32Array;
  readonly logits: Float32Array;
}

/** Nats below the best logit that are looked at first; each further look doubles it. */
const FIRST_DEPTH = 8;
/** Behind this everything is in: e^-64 adds nothing to a 64-bit sum. */
const LAST_DEPTH = 64;

function nothingLeft(): AppError {
  return new AppError("internal", "no token is left to draw");
}

/** The model, or what it holds of a text, is damaged. */
export class InvalidNumbers extends AppError {
  constructor() {
    super("internal", "the model produced invalid numbers (NaN)");
  }
}

/** The token with the largest logit, the first of equals. A NaN is below, above and equal to nothing: its block is looked into. */
export function likeliest(logits: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  let at = -1;
  for (let start = 0; start < logits.length; start += BLOCK) {
    if (blockAtMost(logits, start, best)) continue;
    const end = Math.min(start + BLOCK, logits.length);
    for (let i = start; i < end; i++) {
      const value = logits[i] as number;
      if (value > best) {
        best = value;
        at = i;
      } else if (Number.isNaN(value)) throw new InvalidNumbers();
    }
  }
  if (at < 0) throw nothingLeft();
  return at;
}

function blockAtMost(logits: Float32Array, start: number, bound: number): boolean {
  return (
    start + BLOCK <= logits.length &&
    (logits[start] as number) <= bound &&
    (logits[start + 1] as number) <= bound &&
    (logits[start + 2] as number) <= bound &&
    (logits[start + 3] as number) <= bound &&
    (logits[start + 4] as number) <= bound &&
    (logits[start + 5] as number) <= bound &&
    (logits[start + 6] as number) <= bound &&
    (logits[start + 7] as number) <= bound
  );
}

/** Fills `ids` and `values` with the largest logits, sorted; returns how many there are. */
function largest(logits: Float32Array, ids: Int32Array, values: Float32Array): number {
  const most = ids.length;
  let size = 0;
  let least = Number.NEGATIVE_INFINITY;
  for (let start = 0; start < logits.length; start += BLOCK) {
    if (blockAtMost(logits, start, least)) continue;
    const end = Math.min(start + BLOCK, logits.length);
    for (let i = start; i < end; i++) {
      const value = logits[i] as number;
      if (value <= least) continue;
      if (Number.isNaN(value)) throw new InvalidNumbers();
      let at = size < most ? size++ : most - 1;
      for (; at > 0 && (values[at - 1] as number) < value; at--) {
        values[at] = values[at - 1] as number;
        ids[at] = ids[at - 1] as number;
      }
      values[at] = value;
      ids[at] = i;
      if (size === most) least = values[most - 1] as number;
    }
  }
  return size;
}

/** Tokens whose logit is at least `bound`; one that was ruled out (-Infinity) never is. */
function gather(logits: Float32Array, bound: number): Candidates {
  const least = bound === Number.NEGATIVE_INFINITY ? -Number.MAX_VALUE : bound;
  const ids = new Int32Array(logits.length);
  let count = 0;
  for (let start = 0; start < logits.length; start++) {
    if ((logits[start] as number) >= least) ids[count++] = start;
  }
  const kept = ids.subarray(0, count);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = logits[kept[i] as number] as number;
  return { ids: kept, logits: values };
}

/** Of probability, relative to that of `best`. */
function mass(logits: Float32Array, best: number): number {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] as number) - best);
  return sum;
}

function sorted(logits: Float32Array, topK: number): Candidates {
  likeliest(logits); // for what it throws
  const all = gather(logits, Number.NEGATIVE_INFINITY);
  const ids = all.ids.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const kept = topK > 0 ? ids.subarray(0, topK) : ids;
  return { ids: kept, logits: Float32Array.from(kept, (id) => logits[id] ?? 0) };
}

/** How many of the sorted together reach the share `topP` of `total`. */
function nucleus(logits: Float32Array, topP: number, total: number): number {
  const best = logits[0] ?? 0;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    sum += Math.exp((logits[i] as number) - best);
    if (sum >= topP * total) return i + 1;
  }
  return logits.length;
}

/** Locally typical sampling: the tokens whose surprise is nearest to the expected one, until they reach the share. */
function typical({ ids, logits }: Candidates, share: number): Candidates {
  const best = logits[0] ?? 0;
  const weights = Array.from(logits, (logit) => Math.exp(logit - best));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const surprise = weights.map((weight) => -Math.log(weight / sum));
  const entropy = weights.reduce(
    (total, weight, i) => total + (weight > 0 ? (weight / sum) * (surprise[i] ?? 0) : 0),
    0,
  );
  const order = weights
    .map((_, i) => i)
    .sort((a, b) => Math.abs((surprise[a] ?? 0) - entropy) - Math.abs((surprise[b] ?? 0) - entropy));
  let reached = 0;
  let count = 0;
  while (count < order.length && reached <= share) reached += (weights[order[count++] ?? 0] ?? 0) / sum;
  const kept = order.slice(0, Math.max(1, count)).sort((a, b) => a - b);
  return { ids: Int32Array.from(kept, (i) => ids[i] ?? 0), logits: Float32Array.from(kept, (i) => logits[i] ?? 0) };
}
