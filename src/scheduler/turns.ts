// Whose turn is next among requests that wait for the same model, and who has to give way when too many wait: pure choices.

export interface Waiter {
  /** Who asks: a key, a machine. */
  readonly asker: string;
}

/** Of the asker that was served longest ago, the request that came first. `lastServed` says when each was served, in any unit. */
export function nextTurn<T extends Waiter>(
  waiting: readonly T[],
  lastServed: ReadonlyMap<string, number>,
): T | undefined {
  const at = ({ asker }: Waiter) => lastServed.get(asker) ?? -1;
  return waiting.reduce<T | undefined>(
    (best, each) => (best === undefined || at(each) < at(best) ? each : best),
    undefined,
  );
}

/**
 * The newest request of the asker with most waiting, if that one would still have as many as the newcomer has with its own: one
 * who asks much cannot keep out one who asks little. undefined: the newcomer itself has to go.
 */
export function whoGivesWay<T extends Waiter>(waiting: readonly T[], newcomer: string): T | undefined {
  const counts = new Map<string, number>();
  for (const { asker } of waiting) counts.set(asker, (counts.get(asker) ?? 0) + 1);
  const [most] = [...counts.entries()].sort(([, a], [, b]) => b - a);
  if (most === undefined || most[1] <= (counts.get(newcomer) ?? 0) + 1) return undefined;
  return waiting.findLast(({ asker }) => asker === most[0]);
}
