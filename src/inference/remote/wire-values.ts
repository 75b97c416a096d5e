// Reads what an engine says, which is never trusted: a field of another type counts as absent.

import { isRecord } from "../../api/responses.ts";
import type { TokenLogprob } from "../model.ts";
import type { TokenCounts } from "./clock.ts";

export function textAt(value: unknown, key: string): string {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "string" ? found : "";
}

export function countAt(value: unknown, key: string): number {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "number" && Number.isSafeInteger(found) && found > 0 ? found : 0;
}

export function listAt(value: unknown, key: string): unknown[] {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
}

export function openAICounts(usage: unknown): TokenCounts | undefined {
  if (!isRecord(usage)) return undefined;
  return {
    promptTokens: countAt(usage, "prompt_tokens"),
    cachedTokens: countAt(usage["prompt_tokens_details"], "cached_tokens"),
    generatedTokens: countAt(usage, "completion_tokens"),
  };
}

type Alternative = Omit<TokenLogprob, "top">;

function alternative(value: unknown): Alternative | undefined {
  if (!isRecord(value) || typeof value["logprob"] !== "number") return undefined;
  const token = textAt(value, "token");
  const bytes = listAt(value, "bytes").filter((byte) => typeof byte === "number");
  return { token, logprob: value["logprob"], bytes: bytes.length > 0 ? bytes : [...Buffer.from(token)] };
}

/** Both dialects write them alike: `[{token, logprob, bytes?, top_logprobs?}]`. */
export function wireLogprobs(items: readonly unknown[]): TokenLogprob[] {
  return items.flatMap((item) => {
    const own = alternative(item);
    if (own === undefined) return [];
    const top = listAt(item, "top_logprobs").flatMap((other) => alternative(other) ?? []);
    return [top.length === 0 ? own : { ...own, top }];
  });
}

/** Of plain completions: lists side by side, or as chat writes them (llama-server). */
export function textLogprobs(value: unknown): TokenLogprob[] {
  const items = listAt(value, "content");
  if (items.length > 0) return wireLogprobs(items);
  const logprobs = listAt(value, "token_logprobs");
  const tops = listAt(value, "top_logprobs");
  return listAt(value, "tokens").flatMap((token, index) => {
    const logprob = logprobs[index];
    if (typeof token !== "string" || typeof logprob !== "number") return [];
    const others = isRecord(tops[index]) ? Object.entries(tops[index]) : [];
    const top = others.flatMap(([other, odds]) =>
      typeof odds === "number" ? [{ token: other, logprob: odds, bytes: [...Buffer.from(other)] }] : [],
    );
    const own = { token, logprob, bytes: [...Buffer.from(token)] };
    return [top.length === 0 ? own : { ...own, top }];
  });
}
