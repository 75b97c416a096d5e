// A terminal for the line editor: keys are put in by the test, output goes to a TestScreen, and nothing waits for a clock.

import type { EditorTerminal } from "../../src/cli/repl/line-editor.ts";
import { TestScreen } from "./screen.ts";

export class TestEditorTerminal implements EditorTerminal {
  readonly screen: TestScreen;
  rawDepth = 0;
  /** What happened outside of the editor, in order. */
  readonly events: string[] = [];
  edit: (text: string) => Promise<string | undefined> = (text) => Promise.resolve(text);
  #input: (Uint8Array | undefined)[] = [];
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  #idle: (() => void) | undefined;
  #resize = new Set<() => void>();
  #escape: (() => void) | undefined;

  constructor(columns: number, rows = 24) {
    this.screen = new TestScreen(columns, rows);
  }

  /** Gives the editor each text as one chunk, and waits until it asks for more than that. */
  async type(...chunks: (string | Uint8Array)[]): Promise<void> {
    for (const chunk of chunks) {
      const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      await this.#give(bytes);
    }
  }

  async end(): Promise<void> {
    await this.#give(undefined);
  }

  /** Puts keys in without waiting: typed ahead, while nobody reads. */
  typeAhead(text: string): void {
    this.#input.push(new TextEncoder().encode(text));
  }

  async passEscapeTimeout(): Promise<void> {
    this.#escape?.();
    await settle();
  }

  resizeTo(columns: number): void {
    this.screen.resize(columns);
    for (const act of this.#resize) act();
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#input.length > 0) return Promise.resolve(this.#input.shift());
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#idle?.();
    });
  }

  raw(): Disposable {
    this.rawDepth += 1;
    return { [Symbol.dispose]: () => void (this.rawDepth -= 1) };
  }

  onResize(act: () => void): Disposable {
    this.#resize.add(act);
    return { [Symbol.dispose]: () => void this.#resize.delete(act) };
  }

  suspend(): void {
    this.events.push(`suspend with raw ${this.rawDepth}`);
  }

  escapeTimeout(): Promise<void> {
    return new Promise((resolve) => {
      this.#escape = resolve;
    });
  }

  async #give(bytes: Uint8Array | undefined): Promise<void> {
    if (this.#reader === undefined) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#idle = undefined;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(bytes);
    await settle();
  }
}

/** Until every promise that could be settled by now has been, and what waited for it has run. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
