// What one progress line knows and how it reads: a bar with percentage, rate and time left, or a spinner beside a message
// (Ollama: progress/bar.go, progress/spinner.go). Pure but for their own counters; time is handed in.

import { humanBytes } from "../../base/bytes.ts";
import { toFixedEven } from "../../base/fixed.ts";
import { fit, padStart } from "./fit.ts";

export interface ProgressItem {
  /** One line for a terminal of that many columns, always at least one column short of the edge. */
  line(columns: number, nowMs: number): string;
  /** What to say where lines cannot be redrawn; the same text is not said twice. */
  plainLine(): string;
  stop(): void;
}

const SPINNER_FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_MS = 100;

export class Spinner implements ProgressItem {
  #isStopped = false;

  constructor(
    public message: string,
    private readonly startedMs: number,
  ) {}

  line(columns: number, nowMs: number): string {
    const frame = SPINNER_FRAMES[Math.floor((nowMs - this.startedMs) / SPINNER_MS) % SPINNER_FRAMES.length] ?? "";
    const tail = this.#isStopped ? " " : `${this.message === "" ? "" : " "}${frame} `;
    return fit(oneLine(this.message), columns - 1 - Bun.stringWidth(tail)) + tail;
  }

  plainLine(): string {
    return oneLine(this.message);
  }

  stop(): void {
    this.#isStopped = true;
  }
}

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

const SAMPLES = 10;
const PLAIN_STEP = 10;

export class Bar implements ProgressItem {
  #value: number;
  #samples: Sample[] = [];
  #isStopped: boolean;

  constructor(
    private readonly message: string,
    private readonly total: number,
    private readonly initial: number,
    private readonly startedMs: number,
  ) {
    this.#value = Math.min(initial, total);
    this.#isStopped = initial >= total;
  }

  /** A value below the last one is ignored: a download that starts a part again must not look like lost work. */
  set(value: number, nowMs: number): void {
    this.#value = Math.max(this.#value, Math.min(value, this.total));
    if (this.#value >= this.total) this.#isStopped = true;
    const last = this.#samples.at(-1);
    if (last !== undefined && nowMs - last.atMs <= 1000) return;
    this.#samples.push({ atMs: nowMs, value: this.#value });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  stop(): void {
    this.#isStopped = true;
  }

  plainLine(): string {
    const step = Math.floor(this.#percent() / PLAIN_STEP) * PLAIN_STEP;
    return `${oneLine(this.message)} ${padStart(String(step), 3)}% of ${humanBytes(this.total)}`;
  }

  line(columns: number): string {
    const head = `${padStart(toFixedEven(this.#percent(), 0), 3)}%`;
    const message = oneLine(this.message);
    const room = columns - 1;
    const rate = this.#rate();
    const [size, speed, left] = [this.#sizeText(), this.#rateText(rate), this.#timeLeftText(rate)];
    // The first that leaves room for a bar; on narrow terminals the details go, then the bar.
    for (const tail of [`${size}${speed}${left}`, `${size}${speed}`, size]) {
      const width = room - Bun.stringWidth(`${message} ${head}`) - Bun.stringWidth(tail) - 4;
      if (width < 1) continue;
      const filled = Math.trunc((width * this.#percent()) / 100);
      return `${message} ${head} ▕${"█".repeat(filled)}${" ".repeat(width - filled)}▏ ${tail}`;
    }
    return fit(`${fit(message, Math.max(0, room - 1 - head.length))} ${head}`, room);
  }

  #percent(): number {
    return this.total > 0 ? (this.#value / this.total) * 100 : 0;
  }

  #sizeText(): string {
    const total = padStart(humanBytes(this.total), 6);
    return this.#isStopped ? `${total}${" ".repeat(7)}` : `${padStart(humanBytes(this.#value), 6)}/${total}`;
  }

  #rateText(rate: number): string {
    return rate > 0 ? `  ${padStart(humanBytes(Math.trunc(rate)), 6)}/s` : " ".repeat(10);
  }

  #timeLeftText(rate: number): string {
    if (rate <= 0) return " ".repeat(8);
    return `  ${padStart(timeLeft(Math.trunc((this.total - this.#value) / rate)), 6)}`;
  }

  /** Bytes a second over the last samples, at most one of which is taken each second; 0 when nothing can be said. */
  #rate(): number {
    const last = this.#samples.at(-1);
    const first = this.#samples.length > 1 ? this.#samples[0] : { atMs: this.startedMs, value: this.initial };
    if (this.#isStopped || last === undefined || first === undefined) return 0;
    const seconds = Math.round((last.atMs - first.atMs) / 1000);
    return seconds > 0 ? (last.value - first.value) / seconds : 0;
  }
}

/** Two units at most, "99h+" where that is not enough. */
function timeLeft(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours >= 100) return "99h+";
  if (hours > 0) return `${hours}h${minutes}m`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}

function oneLine(message: string): string {
  return message.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
}
