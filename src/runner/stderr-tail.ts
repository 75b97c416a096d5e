// The last lines a child wrote to stderr: llama.cpp says there why something failed, and nowhere else.

import { logDebug } from "../base/log.ts";

const LINES_KEPT = 40;
const LINE_LENGTH = 500;

export class StderrTail {
  readonly #lines: string[] = [];

  /** Reads to the end. `onLine` sees every line as it comes. */
  async follow(
    child: { readonly pid: number; readonly stderr: ReadableStream<Uint8Array> },
    onLine?: (line: string) => void,
  ): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stderr) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = (lines.pop() ?? "").slice(-4096);
      for (const full of lines) {
        const line = full.slice(0, LINE_LENGTH);
        this.#lines.push(line);
        if (this.#lines.length > LINES_KEPT) this.#lines.shift();
        logDebug("runner", { pid: child.pid, line });
        onLine?.(line);
      }
    }
  }

  /** The message, with the engine's own words for the failure behind it where there are any. */
  withReason(message: string): string {
    const reason = this.#lines.findLast((line) => /error|failed|assert|unknown/i.test(line))?.trim();
    return reason === undefined ? message : `${message}: ${reason}`;
  }
}
