// Reads one message from a terminal: the loop between a source of bytes and a screen. The terminal is raw only while a
// message is being read; keys typed ahead are kept for the next one.

import { grey } from "../ui/style.ts";
import type { Screen } from "../ui/terminal.ts";
import { EditBuffer } from "./buffer.ts";
import { applyKey } from "./edit.ts";
import { type History, HistoryWalk } from "./history.ts";
import { type Key, KeyDecoder } from "./keys.ts";
import { clip, erase, type Frame, layout, paint } from "./render.ts";

export interface EditorTerminal {
  readonly screen: Screen;
  /** The next bytes; undefined at the end of input. */
  read(): Promise<Uint8Array | undefined>;
  /** Raw mode until disposed. */
  raw(): Disposable;
  /** Calls back when the window changes its size, until disposed. */
  onResize(act: () => void): Disposable;
  /** Stops this process until the shell continues it. */
  suspend(): void;
  /** Lets the user change the text elsewhere; undefined where that failed, after saying why. */
  edit(text: string): Promise<string | undefined>;
  /** Some time in which the rest of an escape sequence would have come. */
  escapeTimeout(): Promise<void>;
}

export interface Prompts {
  readonly prompt: string;
  /** Before every further row. */
  readonly altPrompt: string;
  /** Grey, while there is no text. */
  readonly placeholder?: string;
  /** Grey, on an empty last line of several. */
  readonly altPlaceholder?: string;
}

/** After a line the cursor stands below it; after the others at the end of the text, for the caller to go on from there. */
export type ReadLineResult =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "interrupt" }
  | { readonly kind: "eof" };

const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";

/** What a terminal needs to be told when the process ends in the middle of a line. */
export const afterSuddenEnd = `${PASTE_OFF}\x1b[?25h\r\n`;

export class LineEditor {
  readonly #decoder = new KeyDecoder();
  readonly #keys: Key[] = [];
  #reading: Promise<Uint8Array | undefined> | undefined;
  #buffer = new EditBuffer();
  #prompts: Prompts = { prompt: "", altPrompt: "" };
  #frame: Frame | undefined;

  constructor(
    private readonly terminal: EditorTerminal,
    private readonly history: History,
  ) {}

  async readLine(prompts: Prompts): Promise<ReadLineResult> {
    this.#prompts = prompts;
    this.#buffer = new EditBuffer();
    this.#frame = undefined;
    using _resize = this.terminal.onResize(() => this.#redrawAll());
    let mode = this.#enter();
    try {
      const walk = new HistoryWalk(this.history.entries);
      for (;;) {
        // Typed-ahead and pasted keys are drawn once, together.
        if (this.#keys.length === 0) this.#draw();
        const key = await this.#nextKey();
        const effect = key === undefined ? "eof" : applyKey(key, this.#buffer, walk);
        switch (effect) {
          case "redraw":
            break;
          case "clear-screen":
            this.#write("\x1b[2J\x1b[H");
            this.#frame = undefined;
            break;
          case "suspend":
            this.#finish("\r\n");
            mode.leave();
            this.terminal.suspend();
            mode = this.#enter();
            break;
          case "edit":
            this.#eraseFrame();
            mode.leave();
            await this.#edit();
            mode = this.#enter();
            break;
          case "eof":
          case "interrupt":
          case "submit":
            return this.#result(effect);
          default:
            effect satisfies never;
        }
      }
    } finally {
      mode.leave();
    }
  }

  #result(effect: "eof" | "interrupt" | "submit"): ReadLineResult {
    this.#finish(effect === "submit" ? "\r\n" : "");
    const { text } = this.#buffer;
    if (effect === "eof") return { kind: "eof" };
    if (effect === "interrupt") return { kind: "interrupt" };
    if (text !== "") this.history.add(text);
    return { kind: "line", text };
  }

  /** Raw mode and bracketed paste, to be left once. */
  #enter(): { leave(): void } {
    const raw = this.terminal.raw();
    this.#write(PASTE_ON);
    let isEntered = true;
    return {
      leave: () => {
        if (!isEntered) return;
        isEntered = false;
        this.#write(PASTE_OFF);
        raw[Symbol.dispose]();
      },
    };
  }

  async #edit(): Promise<void> {
    const edited = await this.terminal.edit(this.#buffer.text);
    if (edited !== undefined) this.#buffer.replace(edited);
  }

  async #nextKey(): Promise<Key | undefined> {
    for (;;) {
      const key = this.#keys.shift();
      if (key !== undefined) return key;
      this.#reading ??= this.terminal.read();
      if (this.#decoder.isWaiting && (await this.#isLate(this.#reading))) {
        this.#decoder.giveUp();
        continue;
      }
      const bytes = await this.#reading;
      this.#reading = undefined;
      if (bytes === undefined) return undefined;
      this.#keys.push(...this.#decoder.push(bytes));
    }
  }

  async #isLate(reading: Promise<unknown>): Promise<boolean> {
    return Promise.race([reading.then(() => false), this.terminal.escapeTimeout().then(() => true)]);
  }

  #picture(): Frame {
    const { cells, cursor } = this.#buffer;
    const { prompt, altPrompt, placeholder = "", altPlaceholder = "" } = this.#prompts;
    const { screen } = this.terminal;
    const isNewLine = cursor === cells.length && cells.at(-1)?.text === "\n";
    const hint = this.#buffer.isEmpty ? placeholder : isNewLine ? altPlaceholder : "";
    const style = (text: string): string => grey(text, screen);
    return layout({ cells, cursor, prompt, altPrompt, hint, style, columns: screen.columns });
  }

  #draw(): void {
    const frame = clip(this.#picture(), this.terminal.screen.rows);
    this.#write(paint(this.#frame, frame));
    this.#frame = frame;
  }

  #redrawAll(): void {
    this.#eraseFrame();
    this.#draw();
  }

  #eraseFrame(): void {
    if (this.#frame !== undefined) this.#write(erase(this.#frame, this.terminal.screen.columns));
    this.#frame = undefined;
  }

  /** The whole text, however long, without hints, and the cursor at its end. */
  #finish(after: string): void {
    const { cells } = this.#buffer;
    const { prompt, altPrompt } = this.#prompts;
    const { columns, rows } = this.terminal.screen;
    const whole = layout({ cells, cursor: cells.length, prompt, altPrompt, hint: "", style: String, columns });
    // A text taller than the screen was shown in part only; it is written anew from its first row.
    if (whole.rows.length > rows) this.#eraseFrame();
    this.#write(paint(this.#frame, whole) + after);
    this.#frame = undefined;
  }

  #write(text: string): void {
    this.terminal.screen.write(text);
  }
}
