// The work allowed for one schema. Patterns, enums and alternatives multiply in ways nobody can foresee, so whatever loops
// over them counts its steps here, and hostile input ends in an error within a second instead of in a hang.

import { AppError } from "../../base/errors.ts";

const MAX_STEPS = 3_000_000;

export class Effort {
  private spent = 0;

  spend(steps: number): void {
    this.spent += steps;
    if (this.spent > MAX_STEPS) throw tooComplex();
  }
}

export function tooComplex(): AppError {
  return new AppError("invalid", "is too complex for a grammar");
}
