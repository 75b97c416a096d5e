// The lines of `run --verbose` (Ollama: api/types.go, Metrics.Summary): each only where its value is above zero.

import { formatDuration } from "../../base/duration.ts";
import { toFixedEven } from "../../base/fixed.ts";

/** Durations in nanoseconds, as the API reports them. */
export interface Statistics {
  readonly total_duration?: number | undefined;
  readonly load_duration?: number | undefined;
  readonly prompt_eval_count?: number | undefined;
  readonly prompt_eval_duration?: number | undefined;
  readonly eval_count?: number | undefined;
  readonly eval_duration?: number | undefined;
}

const VALUE_COLUMN = 22;

export function statisticsText(statistics: Statistics): string {
  const { total_duration, load_duration, prompt_eval_count, prompt_eval_duration, eval_count, eval_duration } =
    statistics;
  return [
    ...durationLine("total duration:", total_duration),
    ...durationLine("load duration:", load_duration),
    ...countLine("prompt eval count:", prompt_eval_count),
    ...durationLine("prompt eval duration:", prompt_eval_duration),
    ...rateLine("prompt eval rate:", prompt_eval_count, prompt_eval_duration),
    ...countLine("eval count:", eval_count),
    ...durationLine("eval duration:", eval_duration),
    ...rateLine("eval rate:", eval_count, eval_duration),
  ].join("");
}

function durationLine(label: string, nanoseconds = 0): string[] {
  return nanoseconds > 0 ? [line(label, formatDuration(nanoseconds))] : [];
}

function countLine(label: string, count = 0): string[] {
  return count > 0 ? [line(label, `${count} token(s)`)] : [];
}

function rateLine(label: string, count = 0, nanoseconds = 0): string[] {
  return nanoseconds > 0 ? [line(label, `${toFixedEven(count / (nanoseconds / 1e9), 2)} tokens/s`)] : [];
}

function line(label: string, value: string): string {
  return `${label.padEnd(VALUE_COLUMN)}${value}\n`;
}
