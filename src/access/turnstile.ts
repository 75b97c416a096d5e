// Lets a key have so many requests at the same time as it may; the rest wait in the order in which they came, and no more of them
// than a bound.

import { AppError } from "../base/errors.ts";

interface Line {
  inside: number;
  readonly waiting: (() => void)[];
}

export class Turnstile {
  readonly #lines = new Map<string, Line>();

  constructor(private readonly maxWaiting: number) {}

  get waiting(): number {
    return [...this.#lines.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /**
   * Resolves when there is room; what it returns must be called at the end. Throws `busy` when too many wait and `canceled` when
   * the signal fires first.
   */
  async enter(id: string, limit: number, signal: AbortSignal): Promise<() => void> {
    const line = this.#lines.get(id) ?? { inside: 0, waiting: [] };
    this.#lines.set(id, line);
    if (line.inside < limit) line.inside++;
    else await this.#wait(line, limit, signal);
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      this.#leave(id, line);
    };
  }

  async #wait({ waiting }: Line, limit: number, signal: AbortSignal): Promise<void> {
    if (waiting.length >= this.maxWaiting) {
      throw new AppError(
        "busy",
        `server busy: this API key has ${limit} requests running, its limit, and ${waiting.length} waiting`,
        {
          retryAfterSeconds: 1,
        },
      );
    }
    if (signal.aborted) throw new AppError("canceled", "request canceled");
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(new AppError("canceled", "request canceled"));
      };
      const go = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      waiting.push(go);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Who waits longest takes the place over, so that nobody slips in between. */
  #leave(id: string, line: Line): void {
    const next = line.waiting.shift();
    if (next !== undefined) return next();
    line.inside--;
    if (line.inside === 0) this.#lines.delete(id);
  }
}
