// Waiting between tries: exponential with jitter, ended early by the signal.

export async function backOff(attempt: number, baseMs: number, signal: AbortSignal, atLeastMs = 0): Promise<void> {
  const spread = Math.random() / 2 + 0.75;
  await sleep(Math.max(atLeastMs, Math.min(baseMs * 2 ** attempt, 30_000) * spread), signal);
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Retry-After, given in seconds or as a date, in milliseconds and as far as it is sane. */
export function retryAfterMs(response: Response, nowMs = Date.now()): number {
  const text = response.headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 60_000) : 0;
}
