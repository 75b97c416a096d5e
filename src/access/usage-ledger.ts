// What each key has used, day by day (UTC): budgets and `ollama usage` read it. In memory, and on disk a second later, so that a
// crash loses no more than that second. Programs without a key count together, as "local" or "remote": no addresses are kept.

import { readFileSync, renameSync } from "node:fs";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { toAppError } from "../base/errors.ts";
import { logWarn } from "../base/log.ts";

export interface Spent {
  readonly requests: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
}

export interface UsageRow extends Spent {
  /** 2026-01-31 */
  readonly day: string;
  /** A key's id, "local" or "remote". */
  readonly who: string;
}

const KEPT_DAYS = 31;
const SAVE_AFTER_MS = 1000;
const DAY_MS = 86_400_000;
const NOTHING: Spent = { requests: 0, promptTokens: 0, generatedTokens: 0 };

export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** Until the next UTC day begins. */
export function secondsLeftToday(timeMs: number): number {
  return Math.ceil((DAY_MS - (timeMs % DAY_MS)) / 1000);
}

export class UsageLedger implements AsyncDisposable {
  /** day → who → spent */
  readonly #days: Map<string, Map<string, Spent>>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly now: () => number = Date.now,
  ) {
    this.#days = read(path);
  }

  add(who: string, spent: Partial<Spent>): void {
    const day = dayOf(this.now());
    const rows = this.#days.get(day) ?? new Map<string, Spent>();
    this.#days.set(day, rows);
    const before = rows.get(who) ?? NOTHING;
    rows.set(who, {
      requests: before.requests + (spent.requests ?? 0),
      promptTokens: before.promptTokens + (spent.promptTokens ?? 0),
      generatedTokens: before.generatedTokens + (spent.generatedTokens ?? 0),
    });
    this.#timer ??= setTimeout(() => void this.#save(), SAVE_AFTER_MS);
  }

  /** Tokens of prompts and answers. */
  tokensToday(who: string): number {
    const { promptTokens, generatedTokens } = this.#days.get(dayOf(this.now()))?.get(who) ?? NOTHING;
    return promptTokens + generatedTokens;
  }

  /** Oldest day first. */
  rows(): UsageRow[] {
    return [...this.#days.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([day, rows]) => [...rows.entries()].map(([who, spent]) => ({ day, who, ...spent })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== undefined) await this.#save();
    await this.#saving;
  }

  #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const oldest = dayOf(this.now() - KEPT_DAYS * DAY_MS);
    for (const day of this.#days.keys()) if (day < oldest) this.#days.delete(day);
    const text = `${JSON.stringify({ version: 1, rows: this.rows() })}\n`;
    this.#saving = this.#saving.then(() =>
      writeFileAtomic(this.path, text, { mode: 0o600 }).catch((error: unknown) =>
        logWarn("usage could not be saved", { path: this.path, error: toAppError(error).message }),
      ),
    );
    return this.#saving;
  }
}

function read(path: string): Map<string, Map<string, Spent>> {
  const days = new Map<string, Map<string, Spent>>();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return days;
  }
  try {
    const { rows } = JSON.parse(text) as { rows: unknown[] };
    for (const row of rows.filter(isRow)) {
      const { day, who, ...spent } = row;
      days.set(day, (days.get(day) ?? new Map<string, Spent>()).set(who, spent));
    }
  } catch (error) {
    logWarn("the record of usage is not readable; a new one is begun", {
      kept: setAside(path),
      error: toAppError(error).message,
    });
  }
  return days;
}

function setAside(path: string): string {
  const aside = `${path}.broken`;
  try {
    renameSync(path, aside);
    return aside;
  } catch {
    return path;
  }
}

function isRow(value: unknown): value is UsageRow {
  if (typeof value !== "object" || value === null) return false;
  const { day, who, requests, promptTokens, generatedTokens } = value as Record<string, unknown>;
  const counts = [requests, promptTokens, generatedTokens];
  return typeof day === "string" && typeof who === "string" && counts.every((count) => Number.isSafeInteger(count));
}
