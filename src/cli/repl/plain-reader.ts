// Reads messages where lines cannot be redrawn (TERM=dumb): the terminal itself does what editing there is, and no control
// sequences are written.

import type { CliContext } from "../context.ts";
import type { EditorTerminal, Prompts, ReadLineResult } from "./line-editor.ts";

/** What the conversation reads from; the line editor is the other kind. */
export interface MessageReader {
  readLine(prompts: Prompts): Promise<ReadLineResult>;
}

const MAX_LINE = 4 * 1024 * 1024;

export class PlainReader implements MessageReader {
  readonly #decoder = new TextDecoder();
  #pending = "";
  #reading: Promise<Uint8Array | undefined> | undefined;
  #isAtEnd = false;

  constructor(
    private readonly terminal: Pick<EditorTerminal, "screen" | "read">,
    private readonly context: Pick<CliContext, "onInterrupt">,
  ) {}

  async readLine({ prompt }: Prompts): Promise<ReadLineResult> {
    this.terminal.screen.write(prompt);
    let interrupt: () => void = () => {};
    const interrupted = new Promise<"interrupt">((resolve) => {
      interrupt = () => resolve("interrupt");
    });
    using _interrupt = this.context.onInterrupt(() => interrupt());
    for (;;) {
      const end = this.#pending.indexOf("\n");
      if (end >= 0) return { kind: "line", text: this.#take(end) };
      // A line without end is cut, like everything that is read.
      if (this.#pending.length > MAX_LINE) return { kind: "line", text: this.#take(MAX_LINE) };
      if (this.#isAtEnd) return this.#rest();
      this.#reading ??= this.terminal.read();
      const next = await Promise.race([this.#reading, interrupted]);
      // The terminal has dropped what was typed.
      if (next === "interrupt") return { kind: "interrupt" };
      this.#reading = undefined;
      if (next === undefined) this.#isAtEnd = true;
      else this.#pending += this.#decoder.decode(next, { stream: true });
    }
  }

  #take(end: number): string {
    const text = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + 1);
    return text.replace(/\r$/, "");
  }

  #rest(): ReadLineResult {
    if (this.#pending === "") return { kind: "eof" };
    return { kind: "line", text: this.#take(this.#pending.length) };
  }
}
