// The value of --think (spec: cmd/cmd.go, RunHandler): on, off, or a level.

import { AppError } from "../base/errors.ts";
import { goQuote } from "../base/go-text.ts";

export type Think = boolean | "high" | "medium" | "low" | "max";

/** The flag's text; `--think` alone arrives as "true", and an empty text means the same. */
export function parseThink(text: string): Think {
  switch (text) {
    case "":
    case "true":
      return true;
    case "false":
      return false;
    case "high":
    case "medium":
    case "low":
    case "max":
      return text;
    default:
      throw new AppError(
        "invalid",
        `invalid value for --think: ${goQuote(text)} (must be true, false, high, medium, low, or max)`,
      );
  }
}
