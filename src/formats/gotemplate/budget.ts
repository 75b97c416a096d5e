// Bounds on one execution: a template and its data may both be hostile, and Go's own limits are far above ours.

import { AppError } from "../../base/errors.ts";
import { sliceLength, unboxed, type Value } from "./value.ts";

export interface Limits {
  /** Nodes evaluated plus the size of the values functions work on. */
  readonly steps: number;
  /** Characters in the output, and in any text made on the way. */
  readonly outputChars: number;
}

const DEFAULT_LIMITS: Limits = { steps: 4_000_000, outputChars: 64 * 1024 * 1024 };

const CHARS_PER_STEP = 16;

export class Budget {
  #steps = 0;
  #chars = 0;

  constructor(readonly limits: Limits = DEFAULT_LIMITS) {}

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.limits.steps) throw new AppError("invalid", "template: execution takes too many steps");
  }

  /** Checks a text under construction without charging for it. */
  checkLength(chars: number): void {
    if (chars > this.limits.outputChars) throw new AppError("invalid", "template: output is too large");
  }

  output(chars: number): void {
    this.#chars += chars;
    this.checkLength(this.#chars);
  }

  /** Charges for going over a whole text or list, as comparing, measuring or copying it does. */
  read(argument: Value): void {
    const value = unboxed(argument);
    if (value.kind === "slice") this.step(Math.trunc(sliceLength(value) / CHARS_PER_STEP));
    if (value.kind === "string") this.step(Math.trunc(value.value.length / CHARS_PER_STEP));
  }
}
