// What keys have used: by UTC day, kept across restarts, forgotten after a month.

import { expect, test } from "bun:test";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dayOf, secondsLeftToday, UsageLedger } from "../../src/access/usage-ledger.ts";
import { tempHome } from "../support/temp-home.ts";

const DAY_MS = 86_400_000;
const start = Date.parse("2026-03-01T23:59:50Z");

test("tokens of a day end with the day", async () => {
  await using home = await tempHome();
  let nowMs = start;
  await using ledger = new UsageLedger(join(home.path, "u.json"), () => nowMs);
  ledger.add("k", { promptTokens: 3, generatedTokens: 4 });
  ledger.add("k", { requests: 1, promptTokens: 1 });
  ledger.add("other", { promptTokens: 100 });
  expect(ledger.tokensToday("k")).toBe(8);
  expect(secondsLeftToday(nowMs)).toBe(10);
  nowMs += 11_000;
  expect(ledger.tokensToday("k")).toBe(0);
  expect(ledger.rows()[0]).toEqual({ day: dayOf(start), who: "k", requests: 1, promptTokens: 4, generatedTokens: 4 });
});

test("a new process goes on where the last one ended, and old days go", async () => {
  await using home = await tempHome();
  const path = join(home.path, "u.json");
  for (const [turn, offset] of [0, 20, 32].entries()) {
    await using ledger = new UsageLedger(path, () => start + offset * DAY_MS);
    expect(ledger.rows()).toHaveLength(turn);
    ledger.add("k", { generatedTokens: 1 });
  }
  const rows = new UsageLedger(path, () => start).rows();
  expect(rows.map(({ day }) => day)).toEqual([20, 32].map((offset) => dayOf(start + offset * DAY_MS)));
});

test("a record that is not readable is set aside, not written over", async () => {
  await using home = await tempHome();
  await writeFile(join(home.path, "u.json"), "{broken");
  {
    await using ledger = new UsageLedger(join(home.path, "u.json"));
    expect(ledger.rows()).toEqual([]);
    ledger.add("k", { requests: 1 });
  }
  expect((await readdir(home.path)).sort()).toEqual(["u.json", "u.json.broken"]);
});
