// Lets somebody at a terminal choose one of a few things, with arrow keys (@clack/prompts, loaded when it is needed).

import type { Readable, Writable } from "node:stream";

export interface Choice {
  readonly value: string;
  readonly label: string;
  /** Shown beside the choice that is under the cursor. */
  readonly hint?: string;
}

export interface ChooseStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Rows that the question and the lines around it take. */
const FRAME_ROWS = 6;

/** undefined: they left with Ctrl-C or Escape, or the terminal was closed. */
export async function choose(
  message: string,
  choices: readonly Choice[],
  rows: number,
  streams: ChooseStreams,
): Promise<string | undefined> {
  const { isCancel, select } = await import("@clack/prompts");
  const abort = new AbortController();
  const onEnd = (): void => abort.abort();
  streams.input.once("end", onEnd);
  try {
    const answer = await select<string>({
      message,
      options: [...choices],
      maxItems: Math.max(5, rows - FRAME_ROWS),
      signal: abort.signal,
      ...streams,
    });
    return isCancel(answer) ? undefined : answer;
  } finally {
    streams.input.off("end", onEnd);
  }
}
