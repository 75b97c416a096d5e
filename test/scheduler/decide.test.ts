// Which model is served, loaded, evicted or waited for: the whole policy as a table, and what must hold for any state.

import { describe, expect, test } from "bun:test";
import { chooseVictim, decide, type Limits, type Resident, type Want } from "../../src/scheduler/decide.ts";
import { seededRandom } from "../support/seeded-random.ts";

const resident = (key: string, more: Partial<Resident> = {}): Resident => ({
  key,
  signature: "s",
  state: "ready",
  leases: 0,
  keepAliveMs: 300_000,
  lastUsedMs: 0,
  ...more,
});
const want = (key: string, bytes = 100, signature = "s"): Want => ({ key, signature, bytes });
const roomy: Limits = { maxLoaded: 3, freeBytes: 1000 };

const rows: [string, Want, Resident[], Limits, ReturnType<typeof decide>][] = [
  ["nothing is loaded: load", want("a"), [], roomy, { do: "load" }],
  ["the first model loads with whatever fits (spec 7.08)", want("a", 5000), [], roomy, { do: "load" }],
  ["it is loaded: serve", want("a"), [resident("a", { leases: 5 })], roomy, { do: "serve" }],
  [
    "it is being loaded: wait",
    want("a"),
    [resident("a", { state: "loading" })],
    roomy,
    { do: "wait", reason: "loading" },
  ],
  [
    "it is being stopped: wait",
    want("a"),
    [resident("a", { state: "stopping" })],
    roomy,
    { do: "wait", reason: "busy" },
  ],
  ["idle with other options: reload", want("a", 1, "t"), [resident("a")], roomy, { do: "evict", keys: ["a"] }],
  [
    "busy with other options: wait",
    want("a", 1, "t"),
    [resident("a", { leases: 1 })],
    roomy,
    { do: "wait", reason: "busy" },
  ],
  [
    "loading with other options: wait",
    want("a", 1, "t"),
    [resident("a", { state: "loading" })],
    roomy,
    { do: "wait", reason: "busy" },
  ],
  ["there is room beside another: load", want("b", 800), [resident("a")], roomy, { do: "load" }],
  ["more than 80 % of what is free: evict", want("b", 801), [resident("a")], roomy, { do: "evict", keys: ["a"] }],
  [
    "as many as allowed are loaded: evict",
    want("b"),
    [resident("a")],
    { ...roomy, maxLoaded: 1 },
    { do: "evict", keys: ["a"] },
  ],
  ["all are busy: wait", want("b", 900), [resident("a", { leases: 1 })], roomy, { do: "wait", reason: "busy" }],
  [
    "another one is loading: one at a time",
    want("b"),
    [resident("a", { state: "loading" })],
    roomy,
    { do: "wait", reason: "loading" },
  ],
  [
    "another one is stopping: its memory counts first",
    want("b"),
    [resident("a", { state: "stopping" })],
    roomy,
    { do: "wait", reason: "loading" },
  ],
];
test.each(rows)("%s", (_, wanted, residents, limits, decision) => {
  expect(decide(wanted, residents, limits)).toEqual(decision);
});

describe("the victim", () => {
  test("is the idle one with the shortest keep-alive (spec 7.07)", () => {
    const models = [
      resident("a", { keepAliveMs: Infinity }),
      resident("b", { keepAliveMs: 5 }),
      resident("c", { keepAliveMs: 1, leases: 1 }),
    ];
    expect(chooseVictim(models)?.key).toBe("b");
  });
  test("is among equals the least recently used, then the first by name", () => {
    expect(chooseVictim([resident("a", { lastUsedMs: 9 }), resident("b", { lastUsedMs: 3 })])?.key).toBe("b");
    expect(chooseVictim([resident("b"), resident("a")])?.key).toBe("a");
  });
  test("may be one that is kept for ever when there is no other", () => {
    expect(chooseVictim([resident("a", { keepAliveMs: Infinity })])?.key).toBe("a");
  });
});

test("in any state: nothing busy is evicted, the limits are kept, and one load at a time", () => {
  const random = seededRandom(7);
  const pick = <T>(...items: T[]): T => items[random.below(items.length)] as T;
  for (let round = 0; round < 20_000; round++) {
    const residents = Array.from({ length: random.below(5) }, (_, i) =>
      resident(`m${i}`, {
        state: pick("ready", "ready", "ready", "loading", "stopping"),
        leases: pick(0, 0, 1, 3),
        keepAliveMs: pick(0, 5, 300_000, Infinity),
        signature: pick("s", "t"),
        lastUsedMs: random.below(10),
      }),
    );
    const limits = { maxLoaded: 1 + random.below(4), freeBytes: random.below(1000) };
    const wanted = want(`m${random.below(6)}`, random.below(1200), pick("s", "t"));
    const decision = decide(wanted, residents, limits);
    if (decision.do === "evict") {
      const victims = residents.filter(({ key }) => decision.keys.includes(key));
      expect(victims.length).toBe(decision.keys.length);
      expect(victims.every(({ leases, state }) => leases === 0 && state === "ready")).toBe(true);
    }
    if (decision.do === "load") {
      expect(residents.some(({ key }) => key === wanted.key)).toBe(false);
      expect(residents.length).toBeLessThan(limits.maxLoaded);
      expect(residents.every(({ state }) => state === "ready")).toBe(true);
      expect(residents.length === 0 || wanted.bytes <= limits.freeBytes * 0.8).toBe(true);
    }
    if (decision.do === "serve") {
      const same = residents.find(({ key }) => key === wanted.key);
      expect([same?.state, same?.signature]).toEqual(["ready", wanted.signature]);
    }
    if (decision.do === "wait")
      expect(residents.some(({ state, leases }) => state !== "ready" || leases > 0)).toBe(true);
  }
});
