// Requests that wait for their turn at one runner. Whoever was served longest ago comes first, so that one who asks much cannot keep
// out one who asks little.

import { AppError } from "../base/errors.ts";
import { nextTurn } from "./turns.ts";

export interface Turn {
  readonly asker: string;
  /** False: the runner is gone, start again. */
  readonly resolve: (hasTurn: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class TurnQueue {
  readonly #turns: Turn[] = [];
  /** The number of each asker's last turn, while anybody waits. */
  readonly #lastServed = new Map<string, number>();
  #served = 0;

  get length(): number {
    return this.#turns.length;
  }

  get all(): readonly Turn[] {
    return this.#turns;
  }

  /** Resolves with false when the runner has gone. Throws `canceled` when the signal fires first. */
  wait(asker: string, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const abandon = () => {
        this.remove(turn);
        reject(new AppError("canceled", "request canceled"));
      };
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T) => {
          signal.removeEventListener("abort", abandon);
          act(value);
        };
      const turn: Turn = { asker, resolve: settle(resolve), reject: settle(reject) };
      this.#turns.push(turn);
      if (signal.aborted) abandon();
      else signal.addEventListener("abort", abandon, { once: true });
    });
  }

  /** Takes out the one whose turn it is. */
  next(): Turn | undefined {
    const turn = nextTurn(this.#turns, this.#lastServed);
    if (turn === undefined) {
      this.#lastServed.clear();
      return undefined;
    }
    this.remove(turn);
    this.#lastServed.set(turn.asker, ++this.#served);
    return turn;
  }

  remove(turn: Turn): boolean {
    const at = this.#turns.indexOf(turn);
    if (at >= 0) this.#turns.splice(at, 1);
    return at >= 0;
  }

  /** Everyone has to start again. */
  dissolve(): void {
    for (const turn of this.#turns.splice(0)) turn.resolve(false);
  }

  rejectAll(error: AppError): void {
    for (const turn of this.#turns.splice(0)) turn.reject(error);
  }
}
