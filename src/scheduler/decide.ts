// Which models are resident: a pure decision over what is loaded, what is wanted and what memory is free. The scheduler's
// one loop performs it.

export interface Resident {
  /** The weights file: two names sharing it share a runner (spec 7.01). */
  readonly key: string;
  /** Everything else that makes a runner differ: adapters, load-time options. */
  readonly signature: string;
  readonly state: "loading" | "ready" | "stopping";
  /** Requests that hold it. */
  readonly leases: number;
  readonly keepAliveMs: number;
  readonly lastUsedMs: number;
}

export interface Want {
  readonly key: string;
  readonly signature: string;
  /** Predicted bytes of weights and first cache. */
  readonly bytes: number;
}

export interface Limits {
  readonly maxLoaded: number;
  readonly freeBytes: number;
}

export type Decision =
  | { readonly do: "serve" }
  | { readonly do: "load" }
  /** Stop these idle runners, then decide again. */
  | { readonly do: "evict"; readonly keys: readonly string[] }
  | { readonly do: "wait"; readonly reason: "loading" | "busy" };

/** Another model loads only into this share of the free memory (Ollama: server/sched.go). */
const FREE_SHARE = 0.8;

export function decide(want: Want, residents: readonly Resident[], limits: Limits): Decision {
  const same = residents.find(({ key }) => key === want.key);
  if (same !== undefined) {
    if (same.state === "stopping") return { do: "wait", reason: "busy" };
    if (same.signature === want.signature)
      return same.state === "ready" ? { do: "serve" } : { do: "wait", reason: "loading" };
    return same.leases === 0 && same.state === "ready"
      ? { do: "evict", keys: [same.key] }
      : { do: "wait", reason: "busy" };
  }
  // One load at a time: each one's memory must be seen before the next is planned.
  if (residents.some(({ state }) => state !== "ready")) return { do: "wait", reason: "loading" };
  const fits = residents.length === 0 || want.bytes <= limits.freeBytes * FREE_SHARE;
  if (residents.length < limits.maxLoaded && fits) return { do: "load" };
  const victim = chooseVictim(residents);
  return victim === undefined ? { do: "wait", reason: "busy" } : { do: "evict", keys: [victim.key] };
}

/** Idle, with the shortest keep-alive; among equals the least recently used. */
export function chooseVictim(residents: readonly Resident[]): Resident | undefined {
  return residents
    .filter(({ leases, state }) => leases === 0 && state === "ready")
    .sort((a, b) => a.keepAliveMs - b.keepAliveMs || a.lastUsedMs - b.lastUsedMs || (a.key < b.key ? -1 : 1))[0];
}
