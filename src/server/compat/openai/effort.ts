// Reasoning effort → Ollama's think (spec 3.08): OpenAI's scale is longer than Ollama's at both ends.

import { AppError } from "../../../base/errors.ts";

const LEVELS: Readonly<Record<string, boolean | string | undefined>> = {
  "": undefined,
  none: false,
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  max: "max",
  xhigh: "max",
  ultra: "max",
};

export function thinkOfEffort(effort: string): boolean | string | undefined {
  if (!Object.hasOwn(LEVELS, effort)) {
    throw new AppError(
      "invalid",
      `invalid reasoning value: ${JSON.stringify(effort)} (must be "minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none")`,
    );
  }
  return LEVELS[effort];
}
