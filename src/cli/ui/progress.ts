// Progress lines on standard error. On a terminal all lines are redrawn ten times a second; anywhere else each change is one
// plain line, without escape codes, so that logs stay readable. Ollama draws escape codes in both cases.

import { Bar, type ProgressItem, Spinner } from "./progress-item.ts";
import type { Screen } from "./terminal.ts";

const FRAME_MS = 100;

const BEGIN_FRAME = "\x1b[?2026h\x1b[?25l";
const END_FRAME = "\x1b[?25h\x1b[?2026l";

export interface ProgressClock {
  now(): number;
  /** Calls back every so often until the result is called. */
  every(ms: number, act: () => void): () => void;
}

const realClock: ProgressClock = {
  now: () => performance.now(),
  every: (ms, act) => {
    const timer = setInterval(act, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

export class Progress implements Disposable {
  #items: ProgressItem[] = [];
  /** Widths of the lines of the last frame; they tell where it began, even when the window has become narrower since. */
  #drawn: number[] = [];
  #said = new Map<ProgressItem, string>();
  #isOver = false;
  readonly #stopTimer: () => void;

  constructor(
    private readonly screen: Screen,
    private readonly clock: ProgressClock = realClock,
  ) {
    this.#stopTimer = screen.canRedraw ? clock.every(FRAME_MS, () => this.render()) : () => {};
  }

  /** A new last line. Whatever was spinning before has ended. */
  spinner(message: string): Spinner {
    for (const item of this.#items) if (item instanceof Spinner) item.stop();
    const spinner = new Spinner(message, this.clock.now());
    this.#add(spinner);
    return spinner;
  }

  bar(message: string, total: number, initial = 0): Bar {
    for (const item of this.#items) if (item instanceof Spinner) item.stop();
    const bar = new Bar(message, total, initial, this.clock.now());
    this.#add(bar);
    return bar;
  }

  set(bar: Bar, value: number): void {
    bar.set(value, this.clock.now());
    this.#say(bar);
  }

  setMessage(spinner: Spinner, message: string): void {
    spinner.message = message;
    this.#say(spinner);
  }

  /** Leaves the lines as they are now and the cursor below them. */
  stop(): void {
    if (!this.#finish()) return;
    this.render();
    if (this.screen.canRedraw && this.#items.length > 0) this.screen.write("\n");
  }

  /** Takes the lines away again; what went to a pipe stays there. */
  clear(): void {
    if (!this.#finish() || this.#drawn.length === 0) return;
    this.screen.write(`\x1b[?25l${this.#toStart()}\x1b[J\x1b[?25h`);
    this.#drawn = [];
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  render(): void {
    if (!this.screen.canRedraw || this.#items.length === 0) return;
    const { columns, rows } = this.screen;
    const now = this.clock.now();
    const lines = this.#items.slice(-rows).map((item) => item.line(columns, now));
    this.screen.write(`${BEGIN_FRAME}${this.#toStart()}${lines.join("\x1b[K\n")}\x1b[J${END_FRAME}`);
    this.#drawn = lines.map((line) => Bun.stringWidth(line));
  }

  #add(item: ProgressItem): void {
    this.#items.push(item);
    this.#say(item);
  }

  #say(item: ProgressItem): void {
    if (this.screen.canRedraw || this.#isOver) return;
    const line = item.plainLine();
    if (line === "" || this.#said.get(item) === line) return;
    this.#said.set(item, line);
    this.screen.write(`${line}\n`);
  }

  #toStart(): string {
    const { columns } = this.screen;
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return `${rows > 1 ? `\x1b[${rows - 1}A` : ""}\x1b[1G`;
  }

  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#stopTimer();
    for (const item of this.#items) if (item instanceof Spinner) item.stop();
    return true;
  }
}
