// Log-probabilities of a sampled token and its best alternatives, from the raw logits (before penalties and sampling),
// as llama-server reports them.

import type { TokenLogprob } from "../protocol.ts";
import { pieceText } from "./output-text.ts";

/** Best `count` token ids by logit, best first. */
export function topTokens(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  let floor = -Infinity;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] ?? -Infinity;
    if (logit <= floor && best.length >= count) continue;
    let at = best.length;
    while (at > 0 && (logits[best[at - 1] ?? 0] ?? 0) < logit) at--;
    best.splice(at, 0, token);
    if (best.length > count) best.pop();
    if (best.length === count) floor = logits[best[count - 1] ?? 0] ?? -Infinity;
  }
  return best;
}

export function logSumExp(logits: Float32Array): number {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if ((logits[i] ?? 0) > max) max = logits[i] ?? 0;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] ?? 0) - max);
  return max + Math.log(sum);
}

export interface LogprobSnapshot {
  /** Log-probability of any token, valid after the logits are gone. */
  readonly of: (token: number) => number;
  readonly top: readonly (readonly [token: number, logprob: number])[];
}

/** Takes what is needed from the logits before penalties change them in place. */
export function snapshotLogprobs(logits: Float32Array, alternatives: number): LogprobSnapshot {
  const total = logSumExp(logits);
  const copy = logits.slice();
  const top = alternatives === 0 ? [] : topTokens(logits, alternatives);
  return {
    of: (token) => (copy[token] ?? -Infinity) - total,
    top: top.map((token) => [token, (logits[token] ?? 0) - total] as const),
  };
}

/**
 * `written` is the token's share of the answer, which a control token may have none of; `spelled` names an alternative, a
 * control token too: how likely an end was is worth knowing.
 */
export function describeLogprob(
  snapshot: LogprobSnapshot,
  token: number,
  written: Uint8Array,
  spelled: (token: number) => Uint8Array,
): TokenLogprob {
  const describe = (bytes: Uint8Array, logprob: number): TokenLogprob => ({
    token: pieceText(bytes),
    logprob,
    bytes: Array.from(bytes),
  });
  const chosen = describe(written, snapshot.of(token));
  if (snapshot.top.length === 0) return chosen;
  return { ...chosen, top: snapshot.top.map(([id, logprob]) => describe(spelled(id), logprob)) };
}
