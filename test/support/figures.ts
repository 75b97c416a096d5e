// Figures that a test obtained, and what this machine could not try: lines that `scripts/test.mjs` gathers at the end of a run.

export function tellFigures(what: string, figures: object): void {
  console.log(`FIGURES ${what}: ${JSON.stringify(figures)}`);
}

/** Loudly: what is not tried is not proved. */
export function impossible(why: string): void {
  console.warn(`SKIPPED: ${why}`);
}
