// What a check of `ollama doctor` says.

/** "ok" and "note" need nothing done; a "warning" costs speed or safety; a "problem" keeps something from working. */
export type Level = "ok" | "note" | "warning" | "problem";

export interface Finding {
  /** Which check: one or two words, the same in every version, for scripts. */
  readonly check: string;
  readonly level: Level;
  readonly summary: string;
  /** What to do about it. Always there for warnings and problems. */
  readonly advice?: string;
}

export function isFailure({ level }: Finding): boolean {
  return level === "warning" || level === "problem";
}
